// What is around every drawing: title, zoom, its rows, files to take away.

import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';

import type { Chart } from '../charts/chart';
import { parameters, setParameters } from '../state/route';
import { toCsv } from '../text/csv';
import { saveFile } from '../text/export';
import { DataTable } from './table';

export type Range = [number, number];

/** Less is a click that slipped. */
export const SHORTEST_DRAG_PIXELS = 8;

/** The width that the element has by now. */
export function useWidth(element: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return Math.round(width);
}

export function heightFor(width: number): number {
  return Math.round(Math.min(420, Math.max(280, 0.55 * width)));
}

function zoomOf(text: string | undefined): Range | undefined {
  const [lower, upper] = (text ?? '').split('..').map(Number);
  return lower !== undefined && upper !== undefined && lower < upper ? [lower, upper] : undefined;
}

/** The zoom of a figure, kept in the URL, and how to change it. */
export function useZoom(name: string) {
  const zoomName = `${name}.zoom`;
  const text = parameters.value[zoomName];
  const zoom = useMemo(() => zoomOf(text), [text]);
  function setZoom(range: Range | undefined) {
    setParameters({
      [zoomName]: range && range.map((end) => Number(end.toPrecision(4))).join('..'),
    });
  }
  return { zoom, setZoom };
}

interface FigureFrameProps {
  /** Names the files. */
  name: string;
  chart: Pick<Chart, 'title' | 'rows'>;
  /** Controls of this figure alone. */
  controls?: ComponentChildren;
  isZoomed: boolean;
  onScale(factor: number): void;
  onAll(): void;
  /** The drawing as a document; undefined while there is none. */
  svg(): string | undefined;
  /** The drawing itself. */
  children: ComponentChildren;
}

export function FigureFrame(props: FigureFrameProps) {
  const { name, chart, controls, isZoomed, onScale, onAll, svg, children } = props;
  return (
    <figure class="card figure" data-figure={name}>
      <header>
        <h2>{chart.title}</h2>
        {controls}
        <div class="tools">
          <button type="button" aria-label="Zoom in" title="Zoom in" onClick={() => onScale(0.5)}>
            +
          </button>
          <button type="button" aria-label="Zoom out" title="Zoom out" onClick={() => onScale(2)}>
            −
          </button>
          <button type="button" disabled={!isZoomed} onClick={onAll}>
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
              const content = svg();
              if (content !== undefined) saveFile(`${name}.svg`, content, 'image/svg+xml');
            }}
          >
            SVG
          </button>
        </div>
      </header>
      {children}
      <Rows chart={chart} />
    </figure>
  );
}

/** The rows behind the chart, for those who read better than they see. */
function Rows({ chart }: Pick<FigureFrameProps, 'chart'>) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="rows" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Rows ({chart.rows.length})</summary>
      {isOpen && <DataTable rows={chart.rows} label={chart.title} />}
    </details>
  );
}
