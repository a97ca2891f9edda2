import { expect, test } from 'vitest';

import { intervalText, mayBeZero, wasteText, withInterval } from './estimate';
import { formatLoss } from './quantity';

test('an interval that is not known is not made up', () => {
  expect(intervalText({ value: 1.83 }, formatLoss)).toBeUndefined();
  expect(withInterval({ value: 1.83 }, formatLoss)).toBe('1.8300');
});

test('an interval stands behind its value', () => {
  const estimate = { value: 1.83, lower: 1.79, upper: 1.87 };
  expect(withInterval(estimate, formatLoss)).toBe('1.8300 (1.7900 to 1.8700)');
});

test('only an interval from 0 leaves open whether there is anything', () => {
  expect(mayBeZero({ value: 0.1, lower: 0, upper: 0.3 })).toBe(true);
  expect(mayBeZero({ value: 0.1, lower: 0.01, upper: 0.3 })).toBe(false);
  expect(mayBeZero({ value: 0.1 })).toBe(false);
});

test('waste that may be none is not told by its value', () => {
  expect(wasteText({ value: 0.04, lower: 0, upper: 0.3 })).toEqual({
    value: 'not told from 0',
    note: 'up to 30 %',
  });
  expect(wasteText({ value: 0.04, lower: 0.01, upper: 0.3 })).toEqual({
    value: '4 %',
    note: '1 % to 30 %',
  });
});
