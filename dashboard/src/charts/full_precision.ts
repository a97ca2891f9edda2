// The figures of the page Against full precision.

import * as Plot from '@observablehq/plot';

import type { EqualTokensComparison, WidthComparison } from '../gen/bitbudget/v1/planner_pb';
import { formatQuantity } from '../text/quantity';
import { bitsText } from '../text/widths';
import type { Chart, Colors } from './chart';
import { cellEdges, planeEdges, widenedEdges } from './heat_map';
import { logX, logY, questionRule } from './marks';
import { AXIS_LABELS, tokenScale, type TokenAxis } from './token_axis';
import { widthBand, widthColors, widthLines } from './width_marks';

/** What quantized runs are held against. */
export type Reference = 'fullPrecisionLaw' | 'sameLaw';

export const REFERENCE_LABELS: Record<Reference, string> = {
  fullPrecisionLaw: 'the law of the full-precision runs',
  sameLaw: 'the law without quantization',
};

export function comparisonOf(
  width: WidthComparison,
  reference: Reference,
): EqualTokensComparison | undefined {
  return width[reference];
}

export interface PlaneData {
  weightBits: number;
  reference: Reference;
  sizes: readonly number[];
  tokens: readonly number[];
  /** Difference of perplexities; sizes run fastest. Undefined where there is none. */
  differences: readonly (number | undefined)[];
  question: { parameters: number; totalTokens: number };
}

function differenceText(difference: number | undefined): string {
  if (difference === undefined) return '';
  const size = Math.abs(difference);
  const digits = size >= 10 ? 0 : size >= 1 ? 1 : 2;
  return `${difference < 0 ? '-' : '+'}${size.toFixed(digits)}`;
}

// The grid goes on beyond its edges by one cell, as it is at them: a contour is the rim of an
// area, and where the area ends with the grid the rim must not be seen.
function zeroLine(
  differences: readonly (number | undefined)[],
  sizes: readonly number[],
  tokens: readonly number[],
  colors: Colors,
): Plot.Markish {
  const within = (index: number, count: number) => Math.min(Math.max(index, 0), count - 1);
  const [columns, rows] = [sizes.length, tokens.length];
  const widened = Array.from({ length: (columns + 2) * (rows + 2) }, (_, index) => {
    const column = within((index % (columns + 2)) - 1, columns);
    const row = within(Math.floor(index / (columns + 2)) - 1, rows);
    return differences[row * columns + column] ?? NaN;
  });
  const [x1, x2] = widenedEdges(sizes);
  const [y1, y2] = widenedEdges(tokens);
  return Plot.contour(widened, {
    width: columns + 2,
    height: rows + 2,
    // Without positions of its own the grid is laid out evenly as drawn: in logarithms.
    ...{ x: null, y: null, x1, x2, y1, y2 },
    value: Plot.identity,
    thresholds: [0],
    stroke: colors.text,
    strokeWidth: 3,
    clip: true,
  });
}

/** Perplexity difference over size and tokens, the line where there is none bold. */
export function differencePlane(data: PlaneData): Chart {
  const { weightBits, sizes, tokens, differences, question } = data;
  const cells = differences.map((difference, index) => {
    const [x1, x2] = cellEdges(sizes, index % sizes.length);
    const [y1, y2] = cellEdges(tokens, Math.floor(index / sizes.length));
    const parameters = sizes[index % sizes.length]!;
    const totalTokens = tokens[Math.floor(index / sizes.length)]!;
    return { x1, x2, y1, y2, parameters, totalTokens, difference };
  });
  const below = cells.filter((cell) => (cell.difference ?? 0) < 0).length;
  return {
    title: `Perplexity at ${bitsText(weightBits)} minus full precision`,
    summary:
      `Against ${REFERENCE_LABELS[data.reference]}, at equal tokens. ` +
      (below > 0
        ? `Quantized runs are told to be better in ${below} of ${cells.length} cells.`
        : 'Nowhere in this plane are quantized runs told to be better.'),
    rows: cells.map(({ parameters, totalTokens, difference }) => ({
      parameters,
      total_tokens: totalTokens,
      weight_bits: weightBits,
      perplexity_difference: difference,
    })),
    options(frame) {
      const { width, colors } = frame;
      const [xDomain, yDomain] = [planeEdges(sizes), planeEdges(tokens)];
      const x = logX(frame, { domain: xDomain, label: 'Parameters' });
      const y = logY({ domain: yDomain, label: 'All tokens' });
      const largest = Math.max(...cells.map((cell) => Math.abs(cell.difference ?? 0)));
      return {
        marginTop: 28,
        marginLeft: 56,
        marginBottom: 40,
        marginRight: 20,
        x: x.scale,
        y: y.scale,
        // Small differences are those that matter.
        color: {
          type: 'diverging-symlog',
          constant: largest / 50,
          scheme: 'PuOr',
          reverse: true,
          domain: [-largest, largest],
        },
        marks: [
          x.axis,
          y.axis,
          Plot.rect(cells, {
            x1: 'x1',
            x2: 'x2',
            y1: 'y1',
            y2: 'y2',
            fill: 'difference',
            fillOpacity: colors.wash,
            inset: 0.5,
            clip: true,
          }),
          zeroLine(differences, sizes, tokens, colors),
          Plot.text(width >= 560 ? cells : [], {
            x: 'parameters',
            y: 'totalTokens',
            text: (cell: (typeof cells)[number]) => differenceText(cell.difference),
          }),
          Plot.dot([question], {
            x: 'parameters',
            y: 'totalTokens',
            r: 13,
            stroke: colors.mark,
            strokeWidth: 2,
          }),
        ],
      };
    },
  };
}

export interface CurvesData {
  axis: TokenAxis;
  parameters: number;
  reference: Reference;
  /** Of one size, ascending by tokens. */
  points: readonly {
    weightBits: number;
    totalTokens: number;
    value: number;
    lower?: number | undefined;
    upper?: number | undefined;
  }[];
  question: { weightBits: number; totalTokens: number };
}

/** Perplexity difference against tokens at one size, a line for each width. */
export function differenceCurves({
  axis,
  parameters,
  points,
  question,
  reference,
}: CurvesData): Chart {
  const widths = [...new Set(points.map((point) => point.weightBits))];
  const placed = points.map((point) => ({
    ...point,
    x: point.totalTokens * tokenScale(axis, parameters, point.weightBits),
  }));
  const xs = placed.map((point) => point.x);
  return {
    title: `Perplexity minus full precision, ${formatQuantity(parameters)} parameters`,
    summary: `Against ${REFERENCE_LABELS[reference]}; a line for each of ${widths.map(bitsText).join(', ')}.`,
    rows: placed.map(({ weightBits, totalTokens, value, lower, upper }) => ({
      parameters,
      weight_bits: weightBits,
      total_tokens: totalTokens,
      perplexity_difference: value,
      lower,
      upper,
    })),
    options(frame) {
      const { colors } = frame;
      const { color, marks, margins } = widthColors(widths, frame, { isLine: true });
      const x = logX(frame, {
        domain: [Math.min(...xs), Math.max(...xs)],
        label: `All ${AXIS_LABELS[axis]}`,
      });
      return {
        ...margins,
        x: x.scale,
        y: { label: 'Perplexity difference', grid: true, nice: true, tickFormat: '+' },
        marks: [
          x.axis,
          widthBand(placed, question.weightBits, color),
          Plot.ruleY([0], { stroke: colors.text, strokeWidth: 2.5 }),
          widthLines(placed, question.weightBits, color),
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
