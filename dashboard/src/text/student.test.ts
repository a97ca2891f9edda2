import { expect, test } from 'vitest';

import { studentQuantile } from './student';

test.each([
  // From printed tables of Student's t.
  [0.95, 1, 6.314],
  [0.95, 8, 1.86],
  [0.975, 30, 2.042],
  [0.95, 120, 1.658],
])('the quantile %d of %d degrees of freedom is %d', (probability, degrees, quantile) => {
  expect(studentQuantile(probability, degrees)).toBeCloseTo(quantile, 3);
});

test('many degrees of freedom make it the normal quantile', () => {
  expect(studentQuantile(0.95, Infinity)).toBeCloseTo(1.645, 2);
});

test('half of all lies below zero', () => {
  expect(studentQuantile(0.5, 5)).toBe(0);
});
