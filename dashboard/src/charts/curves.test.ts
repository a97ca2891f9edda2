import { expect, test } from 'vitest';

import { columnsOf, type Curve } from './curves';

const curve = (points: [number, number][]): Curve => ({
  job: '1',
  label: '1',
  points: points.map(([tokens, lossNats]) => ({
    tokens,
    lossNats,
    learningRate: 0,
    tokensPerSecond: 0,
  })),
});

test('curves share their tokens, ascending, with gaps where one has no point', () => {
  const columns = columnsOf([
    curve([
      [10, 3],
      [30, 2],
    ]),
    curve([
      [20, 5],
      [30, 4],
    ]),
  ]);
  expect(columns).toEqual([
    [10, 20, 30],
    [3, null, 2],
    [null, 5, 4],
  ]);
});

test('no curves are no columns but that of tokens', () => {
  expect(columnsOf([])).toEqual([[]]);
});
