// Comparisons with full precision in words.

import type {
  CompareToFullPrecisionResponse,
  EqualTokensComparison,
} from '../gen/bitbudget/v1/planner_pb';
import { withInterval } from './estimate';
import { formatBytes, formatQuantity, formatReal, formatSigned } from './quantity';
import { withoutEmptyColumns, type TextTable } from './text_table';

/** Tokens to add, as a share of the budget; from ten budgets on, how many it takes in all. */
function extraTokensText(share: number): string {
  if (share >= 10) return `${formatQuantity(1 + share)}-fold`;
  return `${share < 0 ? '' : '+'}${formatReal(Number((100 * share).toPrecision(3)))} %`;
}

/** Tokens beyond the budget with which the width matches full precision. */
export function tokensToMatch({ extraTokenShare }: EqualTokensComparison): string {
  return extraTokenShare ? withInterval(extraTokenShare, extraTokensText) : 'none suffice';
}

export function equalTokensTable({ widths }: CompareToFullPrecisionResponse): TextTable {
  return {
    headings: ['Bits', 'Reference', 'Loss', 'Perplexity', 'Matches', 'Tokens to match'],
    rows: widths.flatMap(({ weightBits, sameLaw, fullPrecisionLaw }) =>
      [
        { name: "the law's own", comparison: sameLaw },
        { name: 'full-precision law', comparison: fullPrecisionLaw },
      ].flatMap(({ name, comparison }) =>
        comparison?.reference
          ? [
              [
                String(weightBits),
                name,
                withInterval(comparison.reference.lossDifferenceNats!, formatSigned),
                withInterval(comparison.reference.perplexityDifference!, formatSigned),
                comparison.matches ? 'yes' : 'no',
                tokensToMatch(comparison),
              ],
            ]
          : [],
      ),
    ),
  };
}

export function equalMemoryTable({ widths }: CompareToFullPrecisionResponse): TextTable {
  return withoutEmptyColumns({
    headings: [
      'Bits',
      'Memory',
      'Parameters in full precision',
      "Loss, the law's own",
      'Loss, full-precision law',
    ],
    rows: widths.flatMap(({ weightBits, memory, equalMemory }) => {
      const differences = [equalMemory?.sameLaw, equalMemory?.fullPrecisionLaw].map((reference) =>
        reference ? withInterval(reference.lossDifferenceNats!, formatSigned) : '',
      );
      return equalMemory
        ? [
            [
              String(weightBits),
              formatBytes(memory!.totalBytes),
              formatQuantity(equalMemory.parameters),
              ...differences,
            ],
          ]
        : [];
    }),
  });
}
