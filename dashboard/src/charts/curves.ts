// Learning curves: as columns for the live drawing, and as a chart for files.

import * as Plot from '@observablehq/plot';

import { formatQuantity } from '../text/quantity';
import { colorOf, type Chart } from './chart';
import { legend } from './marks';

export interface CurvePoint {
  tokens: number;
  lossNats: number;
  learningRate: number;
  tokensPerSecond: number;
}

export interface Curve {
  /** Of the job, for files. */
  job: string;
  label: string;
  points: readonly CurvePoint[];
}

/** Tokens of all curves, ascending, and for each curve its losses there; null where none is. */
export type Columns = [number[], ...(number | null)[][]];

export function columnsOf(curves: readonly Curve[]): Columns {
  const tokens = [...new Set(curves.flatMap(({ points }) => points.map((p) => p.tokens)))];
  tokens.sort((a, b) => a - b);
  const losses = curves.map(({ points }) => {
    const byTokens = new Map(points.map((point) => [point.tokens, point.lossNats]));
    return tokens.map((place) => byTokens.get(place) ?? null);
  });
  return [tokens, ...losses];
}

export function curvesChart(curves: readonly Curve[]): Chart {
  const rows = curves.flatMap(({ job, label, points }) =>
    points.map((point) => ({
      job,
      label,
      tokens: point.tokens,
      loss_nats: point.lossNats,
      learning_rate: point.learningRate,
      tokens_per_second: point.tokensPerSecond,
    })),
  );
  return {
    title: 'Learning curves',
    summary: `Training loss against tokens of ${curves.map(({ label }) => label).join('; ')}.`,
    rows,
    options({ width, colors }) {
      const color = (index: number) => colorOf(colors, index, curves.length);
      const { marks, margins } = legend(
        curves.map(({ label }, index) => ({ label, color: color(index), isLine: true })),
        width,
      );
      return {
        ...margins,
        x: { label: 'Tokens', tickFormat: formatQuantity },
        y: { label: 'Training loss, nats', grid: true },
        marks: [
          ...curves.map(({ points }, index) =>
            Plot.line(points, { x: 'tokens', y: 'lossNats', stroke: color(index) }),
          ),
          ...marks,
        ],
      };
    },
  };
}
