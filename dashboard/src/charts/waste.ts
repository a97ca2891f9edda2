// The figure of the page Waste: what a fixed split loses against the budget.

import type { Estimate } from '../gen/bitbudget/v1/common_pb';
import { formatPercent, formatQuantity } from '../text/quantity';
import { bitsText } from '../text/widths';
import type { Chart } from './chart';
import { logX, questionRule } from './marks';
import { extentOf } from './scales';
import { AXIS_LABELS, tokenScale, type TokenAxis } from './token_axis';
import { widthBand, widthColors, widthLines } from './width_marks';

export interface WasteCurve {
  weightBits: number;
  points: { totalTokens: number; waste: Estimate }[];
}

export interface WasteData {
  axis: TokenAxis;
  parameters: number;
  callerFraction: number;
  /** Fewest bits first. */
  curves: readonly WasteCurve[];
  question: { weightBits: number; totalTokens: number };
}

export function wasteChart({
  axis,
  parameters,
  callerFraction,
  curves,
  question,
}: WasteData): Chart {
  const points = curves.flatMap(({ weightBits, points }) =>
    points.map(({ totalTokens, waste }) => ({
      weightBits,
      x: totalTokens * tokenScale(axis, parameters, weightBits),
      totalTokens,
      value: waste.value,
      lower: waste.lower,
      upper: waste.upper,
    })),
  );
  const asked = points.filter((point) => point.weightBits === question.weightBits);
  const extent = extentOf(points.map((point) => point.x)) ?? [1, 10];
  const shown = [...points.map((point) => point.value), ...asked.map((point) => point.upper ?? 0)];
  const highest = Math.min(1, 1.05 * Math.max(0.01, ...shown));
  return {
    title: `Tokens wasted by ${formatPercent(callerFraction)} QAT`,
    summary: curves
      .map(({ weightBits, points }) => {
        const last = points.at(-1)!;
        return (
          `${bitsText(weightBits)}: ${formatPercent(last.waste.value)} of ` +
          `${formatQuantity(last.totalTokens)} tokens`
        );
      })
      .join('; '),
    rows: points.map((point) => ({
      weight_bits: point.weightBits,
      total_tokens: point.totalTokens,
      wasted_token_fraction: point.value,
      lower: point.lower,
      upper: point.upper,
    })),
    options(frame) {
      const { colors } = frame;
      const tokens = logX(frame, { domain: extent, label: `All ${AXIS_LABELS[axis]}` });
      const widths = curves.map((curve) => curve.weightBits);
      const { color, marks, margins } = widthColors(widths, frame, { isLine: true });
      return {
        ...margins,
        x: tokens.scale,
        y: {
          domain: [0, highest],
          tickFormat: formatPercent,
          label: 'Wasted, of all tokens',
          grid: true,
        },
        marks: [
          tokens.axis,
          widthBand(points, question.weightBits, color),
          widthLines(points, question.weightBits, color),
          questionRule(
            question.totalTokens * tokenScale(axis, parameters, question.weightBits),
            colors,
          ),
          ...marks,
        ],
      };
    },
  };
}
