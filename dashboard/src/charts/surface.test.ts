import { expect, test } from 'vitest';

import { isoTotal, layerOpacity, levelLabels, lossLevels } from './surface';

test('levels lie close at the bottom and end at the top', () => {
  const levels = lossLevels([2, 3, NaN]);
  expect(levels[0]).toBeCloseTo(2.004);
  expect(levels.at(-1)).toBeCloseTo(3);
  expect(levels[1]! - levels[0]!).toBeLessThan(levels[3]! - levels[2]!);
});

test('no losses have no levels', () => {
  expect(lossLevels([NaN])).toEqual([]);
});

test('the splits of a budget add up to it and stay in the plane', () => {
  const plane = { fpTokens: [1e5, 1e7], qatTokens: [1e4, 1e6] };
  const line = isoTotal(2e6, plane);
  expect(line.length).toBeGreaterThan(10);
  for (const { fp, qat } of line) {
    expect(fp + qat).toBeCloseTo(2e6, 3);
    expect(qat).toBeLessThanOrEqual(1e6);
  }
});

test('a level is labelled where the edge crosses it, in the logarithm', () => {
  const edge = [
    { at: [100, 1], value: 3, insideData: true },
    { at: [10_000, 1], value: 2, insideData: true },
  ];
  expect(levelLabels([2.5, 1], edge)).toEqual([{ level: 2.5, fp: expect.closeTo(1000) }]);
});

test('layers together are as opaque as they may be', () => {
  const through = (1 - layerOpacity(0.3, 14)) ** 14;
  expect(1 - through).toBeCloseTo(0.3);
});
