// A chart with what one does to it: zoom, look at its rows, take it away as CSV or SVG. A new
// chart is drawn into the same frame: the zoom, kept in the URL, stays.

import * as Plot from '@observablehq/plot';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { colorsOf, type Chart } from '../charts/chart';
import { scaledRange } from '../charts/scales';
import { parameters, setParameters } from '../state/route';
import { theme } from '../state/theme';
import { toCsv } from '../text/csv';
import { saveFile, svgDocument } from '../text/export';
import { DataTable } from './table';

type Range = [number, number];
type Drawing = (SVGSVGElement | HTMLElement) & Plot.Plot;

interface FigureProps {
  /** Names the files and the zoom in the URL. */
  name: string;
  chart: Chart;
  /** Controls of this figure alone, such as what its axis shows. */
  children?: ComponentChildren;
}

function heightFor(width: number): number {
  return Math.round(Math.min(420, Math.max(280, 0.55 * width)));
}

/** The width that the element has by now. */
function useWidth(element: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return Math.round(width);
}

function zoomOf(text: string | undefined): Range | undefined {
  const [lower, upper] = (text ?? '').split('..').map(Number);
  return lower !== undefined && upper !== undefined && lower < upper ? [lower, upper] : undefined;
}

function isLogarithmic(scale: Plot.Scale): boolean {
  return scale.type === 'log';
}

export function Figure({ name, chart, children }: FigureProps) {
  const host = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing>();
  const width = useWidth(host);
  const zoomName = `${name}.zoom`;
  const zoomText = parameters.value[zoomName];
  const zoom = useMemo(() => zoomOf(zoomText), [zoomText]);
  const colors = colorsOf(theme.value);

  function setZoom(range: Range | undefined) {
    setParameters({
      [zoomName]: range && range.map((end) => Number(end.toPrecision(4))).join('..'),
    });
  }

  useEffect(() => {
    if (!host.current || width === 0) return;
    const options = chart.options({ width, height: heightFor(width), colors, zoom });
    const plot = Plot.plot({
      ...options,
      width,
      height: options.height ?? heightFor(width),
      ...(zoom && { x: { ...options.x, domain: zoom }, clip: true }),
      style: { fontSize: '12px', color: colors.text, background: 'transparent' },
    });
    plot.setAttribute('role', 'img');
    plot.setAttribute('aria-label', `${chart.title}. ${chart.summary}`);
    host.current.replaceChildren(plot);
    drawing.current = plot;
    // For whoever measures how long a change takes to show.
    performance.mark(`drawn ${name}`);
  }, [chart, width, colors, zoom]);

  function scale(factor: number) {
    const x = drawing.current?.scale('x');
    if (!x?.domain) return;
    setZoom(scaledRange(x.domain as unknown as Range, factor, isLogarithmic(x)));
  }

  return (
    <figure class="card figure" data-figure={name}>
      <header>
        <h2>{chart.title}</h2>
        {children}
        <div class="tools">
          <button type="button" aria-label="Zoom in" title="Zoom in" onClick={() => scale(0.5)}>
            +
          </button>
          <button type="button" aria-label="Zoom out" title="Zoom out" onClick={() => scale(2)}>
            −
          </button>
          <button type="button" disabled={!zoom} onClick={() => setZoom(undefined)}>
            All
          </button>
          <button
            type="button"
            onClick={() => saveFile(`${name}.csv`, toCsv(chart.rows), 'text/csv')}
          >
            CSV
          </button>
          <button
            type="button"
            onClick={() => {
              const svg = drawing.current;
              if (!(svg instanceof SVGSVGElement)) return;
              saveFile(`${name}.svg`, svgDocument(svg, chart.title, colors), 'image/svg+xml');
            }}
          >
            SVG
          </button>
        </div>
      </header>
      <Brush drawing={drawing} onSelect={setZoom}>
        <div ref={host} class="plot" />
      </Brush>
      <Rows chart={chart} />
    </figure>
  );
}

/** The rows behind the chart, for those who read better than they see. */
function Rows({ chart }: { chart: Chart }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="rows" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Rows ({chart.rows.length})</summary>
      {isOpen && <DataTable rows={chart.rows} label={chart.title} />}
    </details>
  );
}

interface BrushProps {
  drawing: { current: Drawing | undefined };
  onSelect(range: Range): void;
  children: ComponentChildren;
}

/** Less is a click that slipped. */
const SHORTEST_DRAG_PIXELS = 8;

/** Dragging with the mouse over its children selects a stretch of the x axis. */
function Brush({ drawing, onSelect, children }: BrushProps) {
  const [drag, setDrag] = useState<Range>();

  function place(event: PointerEvent & { currentTarget: HTMLElement }): number {
    return event.clientX - event.currentTarget.getBoundingClientRect().left;
  }

  function select([from, to]: Range) {
    const invert = drawing.current?.scale('x')?.invert;
    if (!invert || Math.abs(to - from) < SHORTEST_DRAG_PIXELS) return;
    onSelect([invert(Math.min(from, to)), invert(Math.max(from, to))]);
  }

  return (
    <div
      class="brush"
      onPointerDown={(event) => {
        if (event.pointerType !== 'mouse' || event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag([place(event), place(event)]);
      }}
      onPointerMove={(event) => {
        if (drag) setDrag([drag[0], place(event)]);
      }}
      onPointerUp={() => {
        if (drag) select(drag);
        setDrag(undefined);
      }}
    >
      {children}
      {drag && (
        <div
          class="selection"
          style={{ left: Math.min(...drag), width: Math.abs(drag[1] - drag[0]) }}
        />
      )}
    </div>
  );
}
