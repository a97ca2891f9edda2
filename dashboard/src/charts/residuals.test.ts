import { expect, test } from 'vitest';

import { placeByLevels, type FittedRun } from './residuals';

function run(parameters: number, weightBits: number, residual: number): FittedRun {
  return {
    experiment: '',
    parameters,
    weightBits,
    fpTokens: 1,
    qatTokens: 1,
    measuredNats: 2,
    predictedNats: 2,
    residual,
    scaledResidual: 0,
    isOutlier: false,
    leverage: 0,
  };
}

test('runs stand about their level, side by side by the other, each group with its mean', () => {
  const runs = [run(10, 1, 0.1), run(10, 1, 0.3), run(10, 4, -0.1), run(90, 4, 0.5)];
  const sizes = { of: (r: FittedRun) => r.parameters, levels: [10, 90] };
  const bits = { of: (r: FittedRun) => r.weightBits, levels: [1, 4] };
  const { x, columns } = placeByLevels(runs, sizes, bits);
  const [first, second, third, fourth] = runs.map((r) => x.get(r)!);
  for (const place of [first!, second!]) expect(Math.abs(place + 0.2)).toBeLessThan(0.2);
  expect(first).not.toBe(second);
  expect(third).toBeGreaterThan(0);
  expect(third).toBeLessThan(0.4);
  expect(fourth).toBeGreaterThan(1);
  expect(columns.map(({ mean }) => Number(mean.toFixed(6)))).toEqual([0.2, -0.1, 0.5]);
});
