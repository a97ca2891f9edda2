import { expect, test } from 'vitest';

import { cellsOf, measuredOptima, type Run } from './measured_optima';

const logit = (f: number) => Math.log(f / (1 - f));

/** Runs whose log loss is a parabola in logit f about `best`. */
function runs(fractions: number[], best: number, total = 1e6): Run[] {
  return fractions.map((fraction) => ({
    parameters: 1000,
    weightBits: 2,
    fpTokens: total * (1 - fraction),
    qatTokens: total * fraction,
    lossNats: Math.exp(0.5 + 0.01 * (logit(fraction) - logit(best)) ** 2),
  }));
}

test('the vertex of a parabola is found exactly', () => {
  const [optimum] = measuredOptima(runs([0.03, 0.06, 0.12, 0.25, 0.45], 0.17));
  expect(optimum?.qatFraction).toBeCloseTo(0.17, 10);
  expect(optimum?.totalTokens).toBeCloseTo(1e6);
});

test('where the outermost fraction is best no optimum was measured', () => {
  expect(measuredOptima(runs([0.1, 0.2, 0.3], 0.05))).toEqual([]);
  expect(measuredOptima(runs([0.1, 0.2, 0.3], 0.6))).toEqual([]);
});

test('two fractions are too few', () => {
  expect(measuredOptima(runs([0.1, 0.3], 0.2))).toEqual([]);
});

test('budgets that differ by rounding are one, others are not', () => {
  const all = [...runs([0.1], 0.2), ...runs([0.2], 0.2, 1.001e6), ...runs([0.3], 0.2, 4e6)];
  expect(cellsOf(all).map((cell) => cell.length)).toEqual([2, 1]);
});
