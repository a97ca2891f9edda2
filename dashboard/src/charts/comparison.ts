// How laws predict runs that they were not fitted to.

import * as Plot from '@observablehq/plot';

import type { LawComparison } from '../gen/bitbudget/v1/fit_pb';
import { foldText } from '../text/comparison';
import { formatPercent } from '../text/quantity';
import { colorOf, symbolOf, type Chart } from './chart';
import { legend } from './marks';

interface ScorePoint {
  variant: string;
  fold: number;
  rms: number;
  meanError: number;
}

export function comparisonChart({ folds, entries }: LawComparison): Chart {
  const points: ScorePoint[] = entries.flatMap(({ variant, scores }) =>
    scores.map(({ fold, rms, meanError }) => ({ variant, fold, rms, meanError })),
  );
  const scored = entries.filter((entry) => entry.scores.length > 0);
  return {
    title: 'Errors at runs held out',
    summary:
      `Root mean square error of the loss for each law, at each of ${folds.length} sets of runs ` +
      `that it was not fitted to; the best law is on top.`,
    rows: points.map(({ variant, fold, rms, meanError }) => ({
      variant,
      held_out: foldText(folds[fold]!),
      rms,
      mean_error: meanError,
    })),
    options({ width, colors }) {
      const color = (fold: number) => colorOf(colors, fold, folds.length);
      const { marks, margins } = legend(
        folds.map((fold, index) => ({
          label: foldText(fold),
          color: color(index),
          symbol: symbolOf(index),
        })),
        width,
      );
      return {
        ...margins,
        marginLeft: 130,
        height: margins.marginTop + margins.marginBottom + 34 * scored.length,
        x: { label: 'Error of the loss', tickFormat: formatPercent, zero: true, grid: true },
        y: { type: 'band', domain: scored.map((entry) => entry.variant), label: null },
        marks: [
          Plot.ruleY(scored, { y: 'variant', stroke: colors.faint, strokeOpacity: 0.5 }),
          Plot.dot(points, {
            x: 'rms',
            y: 'variant',
            fill: (point: ScorePoint) => color(point.fold),
            symbol: (point: ScorePoint) => symbolOf(point.fold),
            r: 5,
            tip: true,
            title: (point: ScorePoint) =>
              `${point.variant}, ${foldText(folds[point.fold]!)} held out\n` +
              `off by ${formatPercent(point.rms)} (rms), ` +
              `${formatPercent(point.meanError)} on average`,
          }),
          ...marks,
        ],
      };
    },
  };
}
