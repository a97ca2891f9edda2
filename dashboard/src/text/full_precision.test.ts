import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';

import { EqualTokensComparisonSchema } from '../gen/bitbudget/v1/planner_pb';
import { tokensToMatch } from './full_precision';

const withShare = (value: number) =>
  create(EqualTokensComparisonSchema, { extraTokenShare: { value } });

test('tokens to match are a share of the budget, or budgets in all where they are many', () => {
  expect(tokensToMatch(withShare(-0.25))).toBe('-25 %');
  expect(tokensToMatch(withShare(9.99))).toBe('+999 %');
  expect(tokensToMatch(withShare(10))).toBe('11-fold');
  expect(tokensToMatch(withShare(2.5e6))).toBe('2.5M-fold');
});

test('that no tokens suffice is said', () => {
  expect(tokensToMatch(create(EqualTokensComparisonSchema))).toBe('none suffice');
});
