// The figures of the page Bits: the best width under caps of memory and compute.

import * as Plot from '@observablehq/plot';

import { formatBytes, formatPercent, formatQuantity } from '../text/quantity';
import { bitsText } from '../text/widths';
import type { Chart } from './chart';
import { cellEdges, planeEdges } from './heat_map';
import { logX, logY } from './marks';
import { widthColors } from './width_marks';

/** How likely a width is the best. */
export interface WidthChance {
  weightBits: number;
  probability: number;
}

export interface WidthCell {
  memoryBytes: number;
  computeFlops: number;
  /** Best first; empty where no model fits. */
  chances: readonly WidthChance[];
  /** Loss of the best; unset where no model fits. */
  lossNats?: number | undefined;
}

export interface WidthPlaneData {
  memories: readonly number[];
  budgets: readonly number[];
  /** Memories run fastest. */
  cells: readonly WidthCell[];
  widths: readonly number[];
  question: { memoryBytes?: number | undefined; computeFlops: number };
}

/** The best width over memory and compute; the surer it is, the fuller the colour. */
export function bestWidthPlane({
  memories,
  budgets,
  cells,
  widths,
  question,
}: WidthPlaneData): Chart {
  const placed = cells.flatMap((cell, index) => {
    const [best] = cell.chances;
    if (!best) return [];
    const [x1, x2] = cellEdges(memories, index % memories.length);
    const [y1, y2] = cellEdges(budgets, Math.floor(index / memories.length));
    return [{ ...cell, ...best, x1, x2, y1, y2 }];
  });
  type Placed = (typeof placed)[number];
  const wins = widths.map(
    (bits) =>
      `${bitsText(bits)} in ${placed.filter((cell) => cell.weightBits === bits).length} cells`,
  );
  return {
    title: 'Best width under both caps',
    summary: `Of ${cells.length} cells: ${wins.join(', ')}; in the others no model fits.`,
    rows: cells.map(({ memoryBytes, computeFlops, chances, lossNats }) => ({
      memory_bytes: memoryBytes,
      compute_flops: computeFlops,
      best_weight_bits: chances[0]?.weightBits,
      loss_nats: lossNats,
      ...Object.fromEntries(
        widths.map((bits) => [
          `probability_${bits}_bits`,
          chances.find((chance) => chance.weightBits === bits)?.probability,
        ]),
      ),
    })),
    options(frame) {
      const { width, colors } = frame;
      const { color, marks, margins } = widthColors(widths, frame, { symbol: 'square' });
      const x = logX(frame, {
        domain: planeEdges(memories),
        label: 'Memory, at most',
        format: formatBytes,
        powerOf: 2,
      });
      const y = logY({ domain: planeEdges(budgets), label: 'Compute, FLOPs' });
      return {
        ...margins,
        marginLeft: 60,
        x: x.scale,
        y: y.scale,
        marks: [
          x.axis,
          y.axis,
          Plot.rect(placed, {
            ...{ x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2' },
            fill: (cell: Placed) => color(cell.weightBits),
            fillOpacity: (cell: Placed) => colors.wash * (0.2 + 0.8 * cell.probability),
            inset: 0.5,
            clip: true,
          }),
          Plot.text(width >= 560 ? placed : [], {
            x: 'memoryBytes',
            y: 'computeFlops',
            text: (cell: Placed) => `${cell.weightBits}b ${Math.round(100 * cell.probability)} %`,
            clip: true,
          }),
          Plot.ruleY([question.computeFlops], { stroke: colors.mark, strokeDasharray: '3,3' }),
          Plot.ruleX(question.memoryBytes === undefined ? [] : [question.memoryBytes], {
            stroke: colors.mark,
            strokeDasharray: '3,3',
            clip: true,
          }),
          ...marks,
        ],
      };
    },
  };
}

/** How likely each width is the best, over the memory, for one budget. */
export function chancesChart(
  cells: readonly WidthCell[],
  widths: readonly number[],
  computeFlops: number,
): Chart {
  const rows = cells.flatMap(({ memoryBytes, chances }) =>
    [...chances]
      .sort((a, b) => a.weightBits - b.weightBits)
      .map(({ weightBits, probability }) => ({
        memory: formatBytes(memoryBytes),
        memory_bytes: memoryBytes,
        weight_bits: weightBits,
        probability_best: probability,
      })),
  );
  type Row = (typeof rows)[number];
  return {
    title: `Probability of each width, at ${formatQuantity(computeFlops)} FLOPs`,
    summary: cells
      .filter((cell) => cell.chances.length > 0)
      .map(
        ({ memoryBytes, chances: [best] }) =>
          `${formatBytes(memoryBytes)}: ${bitsText(best!.weightBits)} ` +
          formatPercent(best!.probability),
      )
      .join('; '),
    rows,
    options(frame) {
      const { color, marks, margins } = widthColors(widths, frame, { symbol: 'square' });
      const names = cells.map((cell) => formatBytes(cell.memoryBytes));
      // Names beside each other need room.
      const every = Math.ceil((names.length * 70) / frame.width);
      return {
        ...margins,
        height: 300,
        x: {
          type: 'band',
          domain: names,
          label: 'Memory, at most',
          ticks: names.filter((_, index) => index % every === 0),
        },
        y: { domain: [0, 1], tickFormat: formatPercent, label: 'Probability of being the best' },
        marks: [
          Plot.barY(rows, {
            x: 'memory',
            y: 'probability_best',
            z: 'weight_bits',
            fill: (row: Row) => color(row.weight_bits),
            tip: true,
            title: (row: Row) =>
              `${bitsText(row.weight_bits)}: ${formatPercent(row.probability_best)}\n` +
              `with ${row.memory}`,
          }),
          ...marks,
        ],
      };
    },
  };
}
