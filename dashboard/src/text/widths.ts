// Candidates of OptimizeBitWidth and PlanTraining, and their memory, in words.

import {
  BitWidthCandidate_SizeLimit as SizeLimit,
  type BitWidthCandidate,
  type MemoryModel,
  type ModelMemory,
  type RefusedWidth,
} from '../gen/bitbudget/v1/planner_pb';
import { withInterval } from './estimate';
import {
  counted,
  formatBytes,
  formatLoss,
  formatPercent,
  formatQuantity,
  formatReal,
  formatSigned,
} from './quantity';
import { withoutEmptyColumns, type TextTable } from './text_table';

const SIZE_LIMITS: Partial<Record<SizeLimit, string>> = {
  [SizeLimit.GIVEN]: 'the question',
  [SizeLimit.MEMORY]: 'the memory',
  [SizeLimit.BUDGET]: 'the budget',
  [SizeLimit.TARGET]: 'the target',
};

/** "1 bit", "4 bits". */
export function bitsText(weightBits: number): string {
  return `${weightBits} bit${weightBits === 1 ? '' : 's'}`;
}

function needText({ neededMemoryBytes, neededComputeFlops }: BitWidthCandidate): string {
  if (neededMemoryBytes) return withInterval(neededMemoryBytes, formatBytes);
  if (neededComputeFlops) return `${withInterval(neededComputeFlops, formatQuantity)} FLOPs`;
  return '';
}

/** Best first. */
export function candidateTable(candidates: readonly BitWidthCandidate[]): TextTable {
  return withoutEmptyColumns({
    headings: [
      'Bits',
      'Parameters',
      'QAT',
      'Loss',
      'Above the best',
      'Needs',
      'Best of all',
      'Memory',
      'FLOPs',
      'Size set by',
    ],
    rows: candidates.map((candidate, index) => [
      `${candidate.weightBits}${candidate.isTie ? ' =' : ''}`,
      formatQuantity(candidate.parameters),
      formatPercent(candidate.qatFraction!.value),
      withInterval(candidate.lossNats!, formatLoss),
      index === 0 || needText(candidate)
        ? ''
        : withInterval(candidate.excessLossNats!, formatSigned),
      needText(candidate),
      candidate.probabilityBest === undefined ? '' : formatPercent(candidate.probabilityBest),
      formatBytes(candidate.memory!.totalBytes),
      formatQuantity(candidate.computeFlops),
      SIZE_LIMITS[candidate.sizeLimit] ?? '',
    ]),
  });
}

/** What the marks in the table mean, and what is not in it. */
export function candidateRemarks(
  candidates: readonly BitWidthCandidate[],
  refused: readonly RefusedWidth[],
): string[] {
  const ties = candidates.slice(1).filter((candidate) => candidate.isTie);
  return [
    ...(ties.length > 0
      ? [`Tied with the best (=): ${ties.map((tie) => tie.weightBits).join(', ')} bits.`]
      : []),
    ...refused.map(({ weightBits, reason }) => `Not ${bitsText(weightBits)}: ${reason}.`),
  ];
}

export interface MemoryItem {
  name: string;
  bytes: number;
}

/** The items of a memory that take any, in the order in which they are counted. */
export function memoryItems(memory: ModelMemory): MemoryItem[] {
  const weights = (parameters: number, bits: number) =>
    `${formatQuantity(parameters)} at ${bitsText(bits)}`;
  return [
    {
      name: `Block weights, ${weights(memory.blockParameters, memory.storageBits)}`,
      bytes: memory.blockBytes,
    },
    { name: 'Scales of groups', bytes: memory.scaleBytes },
    { name: 'Zero points of groups', bytes: memory.zeroPointBytes },
    {
      name: `Embedding and head, ${weights(memory.embeddingParameters, memory.embeddingBits)}`,
      bytes: memory.embeddingBytes,
    },
    { name: 'Norms', bytes: memory.normBytes },
    { name: 'Key-value cache', bytes: memory.kvCacheBytes },
    { name: 'Overhead', bytes: memory.overheadBytes },
  ].filter((item) => item.bytes > 0);
}

export function memoryTable(memory: ModelMemory): TextTable {
  const rows = memoryItems(memory).map(({ name, bytes }) => [
    name,
    formatBytes(bytes),
    formatPercent(bytes / memory.totalBytes),
  ]);
  return {
    headings: ['Memory when served', 'Bytes', 'Share'],
    rows: [...rows, ['In all', formatBytes(memory.totalBytes), '']],
  };
}

/** The rule by which memory was counted, every number in force. */
export function memoryRuleText(model: MemoryModel): string {
  const groups =
    Number(model.groupSize) === 0 ? 'a row of weights' : counted(Number(model.groupSize), 'weight');
  return (
    `Memory by this rule: ${formatReal(model.layerCoefficient ?? 0)} parameters a layer and ` +
    `squared width, width ${formatReal(model.widthPerLayer ?? 0)} times the layers; vocabulary ` +
    `${model.vocabulary}, ${model.tiedEmbeddings ? 'head tied' : 'head of its own'}; a scale of ` +
    `${model.scaleBits} bits and a zero point of ${model.zeroPointBits} for ${groups}; a cache of ` +
    `${model.batch} x ${model.contextTokens} tokens at ${model.kvCacheBits} bits; overhead ` +
    `${formatPercent(model.overheadShare ?? 0)} and ${formatBytes(model.overheadBytes ?? 0)}.`
  );
}
