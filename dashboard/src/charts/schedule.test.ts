import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';

import { SchedulePhaseSchema } from '../gen/bitbudget/v1/planner_pb';
import { ratePoints } from './schedule';

const phase = (shape: string, steps: bigint, firstRate: number, lastRate: number) =>
  create(SchedulePhaseSchema, { name: shape, steps, firstRate, lastRate, shape });

test('phases follow each other; straight ones are their ends', () => {
  const points = ratePoints([phase('linear', 10n, 0, 1), phase('constant', 90n, 1, 1)]);
  expect(points.map(({ step, learning_rate }) => [step, learning_rate])).toEqual([
    [0, 0],
    [10, 1],
    [10, 1],
    [100, 1],
  ]);
});

test.each([
  // Of a decay from 1 to 0: what is left after a quarter of it.
  ['1-sqrt', 1 - Math.sqrt(0.25)],
  ['cosine', (1 + Math.cos(Math.PI / 4)) / 2],
])('%s decays by its own curve', (shape, left) => {
  const points = ratePoints([phase(shape, 100n, 1, 0)]);
  expect(points.find(({ step }) => step === 25)?.learning_rate).toBeCloseTo(left);
  expect(points.at(-1)?.learning_rate).toBeCloseTo(0);
});
