// Figures of widths beside each other: their loss, their memory, how sure the best one is.

import * as Plot from '@observablehq/plot';

import type { BitWidthCandidate } from '../gen/bitbudget/v1/planner_pb';
import { formatBytes, formatLoss, formatPercent, formatQuantity } from '../text/quantity';
import { bitsText, memoryItems } from '../text/widths';
import { colorOf, type Chart } from './chart';
import { legend } from './marks';
import { byteTicks } from './scales';

function byBits(candidates: readonly BitWidthCandidate[]): BitWidthCandidate[] {
  return [...candidates].sort((a, b) => a.weightBits - b.weightBits);
}

/** Loss of each width at its best, with its interval; the best one stands out. */
export function widthLossChart(candidates: readonly BitWidthCandidate[]): Chart {
  const rows = byBits(candidates).map((candidate) => ({
    width: bitsText(candidate.weightBits),
    parameters: candidate.parameters,
    qat_fraction: candidate.qatFraction!.value,
    memory_bytes: candidate.memory!.totalBytes,
    loss_nats: candidate.lossNats!.value,
    lower: candidate.lossNats!.lower,
    upper: candidate.lossNats!.upper,
    probability_best: candidate.probabilityBest,
    is_best: candidate === candidates[0],
  }));
  return {
    title: 'Loss of each width at its best',
    summary: rows.map((row) => `${row.width}: ${formatLoss(row.loss_nats)} nats`).join('; '),
    rows,
    options({ colors }) {
      const color = (row: (typeof rows)[number]) => (row.is_best ? colors.mark : colors.accent);
      return {
        height: 60 + 44 * rows.length,
        marginLeft: 60,
        marginRight: 150,
        x: { label: 'Loss, nats', grid: true, nice: true },
        y: { type: 'band', label: null, domain: rows.map((row) => row.width) },
        marks: [
          Plot.ruleY(rows, { y: 'width', x1: 'lower', x2: 'upper', stroke: color, strokeWidth: 2 }),
          Plot.dot(rows, { x: 'loss_nats', y: 'width', fill: color, r: 5 }),
          Plot.text(rows, {
            frameAnchor: 'right',
            y: 'width',
            dx: 10,
            textAnchor: 'start',
            text: (row) =>
              `${formatQuantity(row.parameters)} params\n${formatBytes(row.memory_bytes)}` +
              (row.probability_best === undefined
                ? ''
                : `, best ${formatPercent(row.probability_best)}`),
          }),
        ],
      };
    },
  };
}

/** What the memory of each width is made of. */
export function memoryChart(candidates: readonly BitWidthCandidate[]): Chart {
  // The same item has other parameters and bits at another width.
  const itemName = (name: string) => name.split(',')[0]!;
  const rows = byBits(candidates).flatMap((candidate) =>
    memoryItems(candidate.memory!).map(({ name, bytes }) => ({
      width: bitsText(candidate.weightBits),
      item: itemName(name),
      bytes,
    })),
  );
  const items = [...new Set(rows.map((row) => row.item))];
  const widths = [...new Set(rows.map((row) => row.width))];
  const largest = Math.max(...candidates.map(({ memory }) => memory!.totalBytes));
  return {
    title: 'Memory when served',
    summary: byBits(candidates)
      .map(
        ({ weightBits, memory }) => `${bitsText(weightBits)}: ${formatBytes(memory!.totalBytes)}`,
      )
      .join('; '),
    rows,
    options({ width, colors }) {
      const color = (item: string) => colorOf(colors, items.indexOf(item), items.length);
      const { marks, margins } = legend(
        items.map((item) => ({ label: item, color: color(item), symbol: 'square' as const })),
        width,
      );
      return {
        ...margins,
        marginLeft: 60,
        height: margins.marginTop + 40 + 34 * widths.length,
        x: {
          label: 'Bytes',
          tickFormat: formatBytes,
          ticks: byteTicks(largest, width < 500 ? 3 : 7),
          grid: true,
        },
        y: { type: 'band', label: null, domain: widths },
        marks: [
          Plot.barX(rows, {
            x: 'bytes',
            y: 'width',
            fill: (row: (typeof rows)[number]) => color(row.item),
            order: items,
            z: 'item',
            insetTop: 4,
            insetBottom: 4,
            tip: true,
            title: (row: (typeof rows)[number]) => `${row.item}: ${formatBytes(row.bytes)}`,
          }),
          ...marks,
        ],
      };
    },
  };
}
