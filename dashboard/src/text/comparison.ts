// Comparisons of laws in words.

import type {
  LawComparison,
  LawComparison_Entry,
  LawComparison_Fold,
} from '../gen/bitbudget/v1/fit_pb';
import { withInterval } from './estimate';
import { counted, formatQuantity } from './quantity';
import { withoutEmptyColumns, type TextTable } from './text_table';
import { bitsText } from './widths';

/** Which runs are held out: "2 bits", "parameters ≥ 221k". */
export function foldText({ axis, level }: LawComparison_Fold): string {
  if (axis === 'weight_bits') return bitsText(level);
  return `${axis === 'parameters' ? 'parameters' : 'tokens'} ≥ ${formatQuantity(level)}`;
}

/** Relative error of the loss, from an error of its logarithm. */
function errorText(logError: number): string {
  return `${(100 * logError).toFixed(3)} %`;
}

function ratioText({ logErrorRatio }: LawComparison_Entry): string {
  if (!logErrorRatio) return '';
  const { value, lower, upper } = logErrorRatio;
  const ratio = {
    value: Math.exp(value),
    lower: lower === undefined ? undefined : Math.exp(lower),
    upper: upper === undefined ? undefined : Math.exp(upper),
  };
  return withInterval(ratio, (x) => x.toFixed(2));
}

/** How a law stands to the first one. */
export function standingOf(entry: LawComparison_Entry, index: number): string {
  if (entry.obstacle !== '') return 'not fitted';
  if (entry.tooFewFolds) return 'too few folds to tell';
  if (entry.tiedWithBest) return index === 0 ? 'best' : 'tied with the best';
  return entry.logErrorRatio ? 'worse' : '';
}

export function comparisonTable({ folds, entries }: LawComparison): TextTable {
  const criteria = entries.map((entry) => entry.aicc).filter((aicc) => aicc !== undefined);
  const least = Math.min(...criteria);
  return withoutEmptyColumns({
    headings: ['Variant', ...folds.map(foldText), 'Error / best', 'AICc above the least', 'Note'],
    rows: entries.map((entry, index) => [
      entry.variant,
      ...folds.map((_, fold) => {
        const score = entry.scores.find((candidate) => candidate.fold === fold);
        return score ? errorText(score.rms) : '';
      }),
      ratioText(entry),
      entry.aicc === undefined ? '' : (entry.aicc - least).toFixed(1),
      standingOf(entry, index),
    ]),
  });
}

/** What the comparison says, in a sentence or three. */
export function verdictOf({ entries }: LawComparison): string {
  const tied = entries.filter((entry) => entry.tiedWithBest).map((entry) => entry.variant);
  const untold = entries.filter((entry) => entry.tooFewFolds).map((entry) => entry.variant);
  const [best] = tied;
  if (best === undefined) return 'No law predicts the runs held out.';
  const first =
    tied.length > 1
      ? `These predict the runs held out equally well: ${tied.join(', ')}.`
      : `${best} predicts the runs held out best.`;
  return untold.length > 0
    ? `${first} Too few folds to tell from the best: ${untold.join(', ')}.`
    : first;
}

/** Why laws could not be fitted. */
export function obstaclesOf({ entries }: LawComparison): string[] {
  return entries
    .filter((entry) => entry.obstacle !== '')
    .map(({ variant, obstacle }) => `${variant}: ${obstacle}`);
}

/** "581 runs of revision 1, errors at runs held out". */
export function basisText({ experimentCount, revision }: LawComparison): string {
  return `${counted(Number(experimentCount), 'run')} of revision ${revision}, errors at runs held out.`;
}
