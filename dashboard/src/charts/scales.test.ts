import { expect, test } from 'vitest';

import {
  byteTicks,
  extentOf,
  levelOf,
  levelsOf,
  logSpaced,
  logTicks,
  powersOfTwo,
  scaledRange,
} from './scales';

test('few decades have ticks between the powers of ten', () => {
  expect(logTicks(1e6, 1e7, 8)).toEqual([1e6, 2e6, 3e6, 5e6, 7e6, 1e7]);
  expect(logTicks(1e6, 1e8, 8)).toEqual([1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8]);
});

test('many decades have some of the powers of ten', () => {
  expect(logTicks(1, 1e12, 8)).toEqual([1, 1e2, 1e4, 1e6, 1e8, 1e10, 1e12]);
});

test('ends that are ticks are kept in spite of rounding', () => {
  expect(logTicks(0.1 + 0.2, 3, 8)).toEqual([0.3, 0.5, 0.7, 1, 2, 3]);
});

test('bytes have powers of two', () => {
  expect(powersOfTwo(3000, 70_000)).toEqual([4096, 8192, 16_384, 32_768, 65_536]);
  expect(powersOfTwo(1, 2 ** 20, 4)).toEqual([1, 2 ** 6, 2 ** 12, 2 ** 18]);
  expect(byteTicks(50_000, 7)).toEqual([0, 8192, 16_384, 24_576, 32_768, 40_960, 49_152]);
});

test('points are evenly spaced in the logarithm, ends included', () => {
  const points = logSpaced(1, 10_000, 5);
  [1, 10, 100, 1000, 10_000].forEach((value, i) => expect(points[i]).toBeCloseTo(value, 8));
});

test('the extent leaves out what is no number', () => {
  expect(extentOf([NaN, 3, Infinity, 1])).toEqual([1, 3]);
  expect(extentOf([NaN])).toBeUndefined();
});

test('a range zoomed in and out again is the same', () => {
  expect(scaledRange([1, 100], 0.5, true).map(Math.log10)).toEqual([
    expect.closeTo(0.5),
    expect.closeTo(1.5),
  ]);
  expect(scaledRange([0, 10], 2, false)).toEqual([-5, 15]);
});

test('values within a hundredth are one level', () => {
  expect(levelsOf([1_000_000, 2_000_000, 999_995, 1_005_000])).toEqual([
    expect.closeTo(1_001_665, 0),
    2_000_000,
  ]);
  expect(levelsOf(Array<number>(36).fill(1.58))).toEqual([1.58]);
  expect(levelOf(1.9e6, [1e6, 2e6, 4e6])).toBe(1);
});
