import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';

import { LawComparisonSchema, type LawComparison_EntrySchema } from '../gen/bitbudget/v1/fit_pb';
import { comparisonTable, obstaclesOf, verdictOf } from './comparison';

type Entry = MessageInitShape<typeof LawComparison_EntrySchema>;

const compare = (entries: Entry[]) =>
  create(LawComparisonSchema, {
    folds: [
      { axis: 'parameters', level: 221_184 },
      { axis: 'weight_bits', level: 1 },
    ],
    entries,
  });

const BEST: Entry = {
  variant: 'full',
  tiedWithBest: true,
  aicc: -1200,
  scores: [
    { fold: 0, rms: 0.01771 },
    { fold: 1, rms: 0.03443 },
  ],
};

const WORSE: Entry = {
  variant: 'plain',
  aicc: -1180,
  scores: [{ fold: 0, rms: 0.02 }],
  logErrorRatio: { value: Math.log(1.5), lower: Math.log(1.2), upper: Math.log(1.875) },
};

test('a law has its errors under the runs held out, and its standing', () => {
  const { headings, rows } = comparisonTable(compare([BEST, WORSE]));
  expect(headings.slice(0, 3)).toEqual(['Variant', 'parameters ≥ 221k', '1 bit']);
  expect(rows).toEqual([
    ['full', '1.771 %', '3.443 %', '', '0.0', 'best'],
    ['plain', '2.000 %', '', '1.50 (1.20 to 1.88)', '20.0', 'worse'],
  ]);
});

test('the verdict names the best, or all that are tied, or what cannot be told', () => {
  expect(verdictOf(compare([BEST, WORSE]))).toBe('full predicts the runs held out best.');
  const tied = { ...WORSE, tiedWithBest: true };
  expect(verdictOf(compare([BEST, tied]))).toContain('equally well: full, plain.');
  expect(verdictOf(compare([BEST, { ...WORSE, tooFewFolds: true }]))).toContain(
    'Too few folds to tell from the best: plain.',
  );
  expect(verdictOf(compare([]))).toBe('No law predicts the runs held out.');
});

test('a law that could not be fitted says why', () => {
  const comparison = compare([BEST, { variant: 'rich', obstacle: 'too few widths' }]);
  expect(obstaclesOf(comparison)).toEqual(['rich: too few widths']);
  expect(comparisonTable(comparison).rows[1]!.at(-1)).toBe('not fitted');
});
