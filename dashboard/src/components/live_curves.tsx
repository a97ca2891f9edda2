// Learning curves that grow while one looks. Drawn by uPlot, which redraws thousands of points
// many times a second; the zoom, kept in the URL, outlives news and changes of the jobs shown.

import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { colorOf, colorsOf, type Colors } from '../charts/chart';
import { columnsOf, curvesChart, type Curve } from '../charts/curves';
import { scaledRange } from '../charts/scales';
import { theme } from '../state/theme';
import { svgDocument } from '../text/export';
import { formatLoss, formatQuantity } from '../text/quantity';
import { draw } from './figure';
import {
  FigureFrame,
  heightFor,
  SHORTEST_DRAG_PIXELS,
  useWidth,
  useZoom,
  type Range,
} from './figure_frame';

const NAME = 'learning-curves';
/** Of files. */
const FILE_WIDTH = 900;

function optionsOf(
  curves: readonly Curve[],
  colors: Colors,
  zoomOf: () => Range | undefined,
  onZoom: (range: Range) => void,
): Omit<uPlot.Options, 'width' | 'height'> {
  const axis = {
    stroke: colors.text,
    grid: { stroke: colors.faint, width: 0.3 },
    ticks: { stroke: colors.faint, width: 0.5 },
  };
  return {
    cursor: { drag: { x: true, y: false, setScale: false, dist: SHORTEST_DRAG_PIXELS } },
    scales: { x: { time: false, range: (_, min, max) => zoomOf() ?? [min, max] } },
    axes: [
      { ...axis, label: 'Tokens', values: (_, ticks) => ticks.map(formatQuantity) },
      { ...axis, label: 'Training loss, nats', size: 60 },
    ],
    series: [
      { label: 'Tokens', value: (_, value) => (value === null ? '' : formatQuantity(value)) },
      ...curves.map(({ label }, index) => ({
        label,
        stroke: colorOf(colors, index, curves.length),
        width: 1.5,
        spanGaps: true,
        points: { show: false },
        value: (_: uPlot, value: number | null) => (value === null ? '' : formatLoss(value)),
      })),
    ],
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < SHORTEST_DRAG_PIXELS) return;
          onZoom([plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

export function LiveCurves({ curves }: { curves: readonly Curve[] }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const width = useWidth(host);
  const { zoom, setZoom } = useZoom(NAME);
  const zoomNow = useRef(zoom);
  zoomNow.current = zoom;
  const colors = colorsOf(theme.value);
  const data = useMemo(() => columnsOf(curves), [curves]);
  const chart = useMemo(() => curvesChart(curves), [curves]);
  const shown = curves.map(({ job, label }) => `${job} ${label}`).join('\n');

  // Another drawing for other jobs; what grows goes into the one that there is.
  useEffect(() => {
    if (!host.current || width === 0) return;
    const options = optionsOf(curves, colors, () => zoomNow.current, setZoom);
    plot.current = new uPlot(
      { ...options, width, height: heightFor(width) },
      data as uPlot.AlignedData,
      host.current,
    );
    return () => plot.current?.destroy();
  }, [shown, width, colors]);

  useEffect(() => {
    plot.current?.setData(data as uPlot.AlignedData);
    performance.mark(`drawn ${NAME}`);
  }, [data, zoom]);

  function scale(factor: number) {
    const { min, max } = plot.current?.scales.x ?? {};
    if (min == null || max == null || min === max) return;
    setZoom(scaledRange([min, max], factor, false));
  }

  function svg(): string | undefined {
    const drawing = draw(chart, FILE_WIDTH, colors, zoom);
    return drawing instanceof SVGSVGElement ? svgDocument(drawing, chart.title, colors) : undefined;
  }

  return (
    <FigureFrame
      name={NAME}
      chart={chart}
      isZoomed={zoom !== undefined}
      onScale={scale}
      onAll={() => setZoom(undefined)}
      svg={svg}
    >
      <div ref={host} class="plot" role="img" aria-label={`${chart.title}. ${chart.summary}`} />
    </FigureFrame>
  );
}
