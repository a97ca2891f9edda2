// A chart with what one does to it: zoom, look at its rows, take it away as CSV or SVG. A new
// chart is drawn into the same frame: the zoom, kept in the URL, stays.

import * as Plot from '@observablehq/plot';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { colorsOf, type Chart, type Colors } from '../charts/chart';
import { scaledRange } from '../charts/scales';
import { theme } from '../state/theme';
import { svgDocument } from '../text/export';
import {
  FigureFrame,
  heightFor,
  SHORTEST_DRAG_PIXELS,
  useWidth,
  useZoom,
  type Range,
} from './figure_frame';

type Drawing = (SVGSVGElement | HTMLElement) & Plot.Plot;

interface FigureProps {
  /** Names the files and the zoom in the URL. */
  name: string;
  chart: Chart;
  /** Controls of this figure alone, such as what its axis shows. */
  children?: ComponentChildren;
}

function isLogarithmic(scale: Plot.Scale): boolean {
  return scale.type === 'log';
}

/** Draws a chart, for the page or for a file. */
export function draw(
  chart: Chart,
  width: number,
  colors: Colors,
  zoom: Range | undefined,
): Drawing {
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
  // Parts of an image have no names for people, only for programs.
  for (const part of plot.querySelectorAll<SVGGElement>('g[aria-label]')) {
    part.dataset.part = part.getAttribute('aria-label')!;
    part.removeAttribute('aria-label');
  }
  return plot;
}

export function Figure({ name, chart, children }: FigureProps) {
  const host = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing>();
  const width = useWidth(host);
  const { zoom, setZoom } = useZoom(name);
  const colors = colorsOf(theme.value);

  useEffect(() => {
    if (!host.current || width === 0) return;
    drawing.current = draw(chart, width, colors, zoom);
    host.current.replaceChildren(drawing.current);
    // For whoever measures how long a change takes to show.
    performance.mark(`drawn ${name}`);
  }, [chart, width, colors, zoom]);

  function scale(factor: number) {
    const x = drawing.current?.scale('x');
    if (!x?.domain) return;
    setZoom(scaledRange(x.domain as unknown as Range, factor, isLogarithmic(x)));
  }

  function svg(): string | undefined {
    const plot = drawing.current;
    return plot instanceof SVGSVGElement ? svgDocument(plot, chart.title, colors) : undefined;
  }

  return (
    <FigureFrame
      name={name}
      chart={chart}
      controls={children}
      isZoomed={zoom !== undefined}
      onScale={scale}
      onAll={() => setZoom(undefined)}
      svg={svg}
    >
      <Brush drawing={drawing} onSelect={setZoom}>
        <div ref={host} class="plot" />
      </Brush>
    </FigureFrame>
  );
}

interface BrushProps {
  drawing: { current: Drawing | undefined };
  onSelect(range: Range): void;
  children: ComponentChildren;
}

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
