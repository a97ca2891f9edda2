import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';

import { EvaluateGridResponseSchema } from '../gen/bitbudget/v1/planner_pb';
import { gridPoints } from './grid';

test('the last axis runs fastest', () => {
  const grid = create(EvaluateGridResponseSchema, {
    axes: [{ values: [1, 2] }, { values: [10, 20, 30] }],
    values: [1, 2, 3, 4, 5, 6],
    insideData: [true, false, true, true, true, true],
  });
  const points = gridPoints(grid);
  expect(points.map((point) => point.at)).toEqual([
    [1, 10],
    [1, 20],
    [1, 30],
    [2, 10],
    [2, 20],
    [2, 30],
  ]);
  expect(points[1]).toMatchObject({ value: 2, insideData: false, lower: undefined });
});
