// The figure of the page Surface: loss over full-precision and QAT tokens.

import * as Plot from '@observablehq/plot';

import { formatLoss, formatPercent, formatQuantity } from '../text/quantity';
import type { GridPoint } from './grid';
import type { Chart } from './chart';
import { logX, logY } from './marks';
import { measuredText, type Run } from './measured_optima';
import { extentOf, logSpaced } from './scales';

export interface Optimum {
  totalTokens: number;
  qatFraction: number;
}

export interface SurfaceData {
  /** Tokens are drawn as they are (1) or for each byte of the weights (1 / bytes). */
  tokenScale: number;
  axisLabel: string;
  fpTokens: readonly number[];
  qatTokens: readonly number[];
  /** The QAT tokens run fastest. */
  losses: readonly GridPoint[];
  /** Best splits, ascending by budget. */
  optima: readonly Optimum[];
  measured: readonly Run[];
  question: { fpTokens: number; qatTokens: number };
}

const LEVELS = 14;

/** Levels that lie close where the surface is flat, at the bottom of the valley. */
export function lossLevels(losses: readonly number[]): number[] {
  const extent = extentOf(losses);
  if (!extent) return [];
  const [least, largest] = extent;
  const smallest = (largest - least) * 0.004;
  return logSpaced(smallest, largest - least, LEVELS).map((above) => least + above);
}

/** The splits of one budget, from nearly all in full precision to nearly all QAT. */
export function isoTotal(total: number, data: Pick<SurfaceData, 'fpTokens' | 'qatTokens'>) {
  const [leastFp, mostFp] = [data.fpTokens[0]!, data.fpTokens.at(-1)!];
  const [leastQat, mostQat] = [data.qatTokens[0]!, data.qatTokens.at(-1)!];
  const byFp = logSpaced(leastFp, mostFp, 60).map((fp) => [fp, total - fp] as const);
  const byQat = logSpaced(leastQat, mostQat, 60).map((qat) => [total - qat, qat] as const);
  return [...byFp, ...byQat]
    .filter(([fp, qat]) => fp >= leastFp && fp <= mostFp && qat >= leastQat && qat <= mostQat)
    .sort(([a], [b]) => a - b)
    .map(([fp, qat]) => ({ total, fp, qat }));
}

interface LevelLabel {
  level: number;
  fp: number;
}

/** Where contours leave the drawing at its lower edge, which the loss falls along. */
export function levelLabels(levels: readonly number[], edge: readonly GridPoint[]): LevelLabel[] {
  return levels.flatMap((level) => {
    const after = edge.findIndex((point) => point.value <= level);
    if (after < 1) return [];
    const [a, b] = [edge[after - 1]!, edge[after]!];
    const share = (a.value - level) / (a.value - b.value);
    return [{ level, fp: a.at[0]! * (b.at[0]! / a.at[0]!) ** share }];
  });
}

/** The opacity of each of so many layers, one upon the other, that together have `opacity`. */
export function layerOpacity(opacity: number, layerCount: number): number {
  return 1 - (1 - opacity) ** (1 / layerCount);
}

/** The edges of the grid of cells whose outermost middles are the ends of the domains. */
function cellEdges(x: [number, number], y: [number, number], count: number) {
  const half = ([lower, upper]: [number, number]) => (upper / lower) ** (0.5 / (count - 1));
  return { x1: x[0] / half(x), x2: x[1] * half(x), y1: y[0] / half(y), y2: y[1] * half(y) };
}

export function surfaceChart(data: SurfaceData): Chart {
  const { fpTokens, qatTokens, losses, optima, measured, question, tokenScale } = data;
  const scaled = (tokens: number) => tokens * tokenScale;
  const values = losses.map((point) => point.value);
  const inside = optima.map(({ totalTokens, qatFraction }) => ({
    total: totalTokens,
    fp: totalTokens * (1 - qatFraction),
    qat: totalTokens * qatFraction,
  }));
  const shown = inside.filter(
    ({ fp, qat }) =>
      fp >= fpTokens[0]! &&
      fp <= fpTokens.at(-1)! &&
      qat >= qatTokens[0]! &&
      qat <= qatTokens.at(-1)!,
  );
  return {
    title: 'Loss over the tokens of both phases',
    summary:
      `Contours of the loss from ${formatLoss(Math.min(...values))} nats; dashed lines of equal ` +
      `budget; stars at the best split of each: ` +
      shown
        .map(({ total, qat }) => `${formatQuantity(total)}: ${formatPercent(qat / total)}`)
        .join(', '),
    rows: losses.map(({ at: [fp, qat], value, insideData }) => ({
      fp_tokens: fp,
      qat_tokens: qat,
      loss_nats: value,
      inside_data: insideData,
    })),
    options(frame) {
      const { width, colors } = frame;
      const xDomain: [number, number] = [scaled(fpTokens[0]!), scaled(fpTokens.at(-1)!)];
      const yDomain: [number, number] = [scaled(qatTokens[0]!), scaled(qatTokens.at(-1)!)];
      const x = logX(frame, { domain: xDomain, label: `Full-precision ${data.axisLabel}` });
      const y = logY({ domain: yDomain, label: `QAT ${data.axisLabel}` });
      const levels = lossLevels(values);
      const edge = losses.filter((_, index) => index % qatTokens.length === 0);
      // What stands at the very left would stand on the ticks of the axis.
      const labels = levelLabels(levels, edge).filter(({ fp }) => fp > fpTokens[1]!);
      // Rows of the grid run along x; ours run along y.
      const byRows = qatTokens.flatMap((_, row) =>
        fpTokens.map((_, column) => values[column * qatTokens.length + row]!),
      );
      const isoLines = shown.flatMap(({ total }) => isoTotal(total, data));
      return {
        height: Math.min(620, Math.max(320, 0.72 * width)),
        marginTop: 30,
        marginLeft: 56,
        marginBottom: 40,
        marginRight: 24,
        x: x.scale,
        y: y.scale,
        marks: [
          x.axis,
          y.axis,
          Plot.contour(byRows, {
            width: fpTokens.length,
            height: qatTokens.length,
            // Without positions of its own the grid is laid out evenly as drawn: in logarithms.
            x: null,
            y: null,
            ...cellEdges(xDomain, yDomain, fpTokens.length),
            clip: true,
            value: Plot.identity,
            thresholds: levels,
            fill: colors.accent,
            fillOpacity: layerOpacity(colors.wash, levels.length),
            stroke: colors.accent,
            strokeWidth: 0.8,
          }),
          Plot.text(labels, {
            x: (label: LevelLabel) => scaled(label.fp),
            y: yDomain[0],
            dy: -24,
            rotate: -90,
            text: (label: LevelLabel) => label.level.toFixed(2),
            fill: colors.text,
            stroke: colors.background,
            strokeWidth: 3,
          }),
          Plot.line(isoLines, {
            x: (point: { fp: number }) => scaled(point.fp),
            y: (point: { qat: number }) => scaled(point.qat),
            z: 'total',
            stroke: colors.faint,
            strokeDasharray: '4,3',
          }),
          Plot.dot(measured, {
            x: (run: Run) => scaled(run.fpTokens),
            y: (run: Run) => scaled(run.qatTokens),
            fill: colors.text,
            r: 2.5,
            tip: true,
            title: measuredText,
          }),
          Plot.line(shown, {
            x: (point: { fp: number }) => scaled(point.fp),
            y: (point: { qat: number }) => scaled(point.qat),
            stroke: colors.text,
            strokeWidth: 1.5,
          }),
          Plot.dot(shown, {
            x: (point: { fp: number }) => scaled(point.fp),
            y: (point: { qat: number }) => scaled(point.qat),
            symbol: 'star',
            fill: colors.text,
            stroke: colors.background,
            r: 6,
          }),
          Plot.text(shown, {
            x: (point: { fp: number }) => scaled(point.fp),
            y: (point: { qat: number }) => scaled(point.qat),
            text: (point: { total: number }) => formatQuantity(point.total),
            dx: 8,
            dy: -8,
            textAnchor: 'start',
            stroke: colors.background,
            strokeWidth: 3,
            fill: colors.text,
          }),
          Plot.dot([question], {
            x: scaled(question.fpTokens),
            y: scaled(question.qatTokens),
            fill: colors.mark,
            stroke: colors.background,
            r: 6,
          }),
        ],
      };
    },
  };
}
