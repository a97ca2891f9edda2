// Grids of the planner (EvaluateGrid) as points.

import type { EvaluateGridResponse } from '../gen/bitbudget/v1/planner_pb';

export interface GridPoint {
  /** Values of the axes, in their order. */
  at: number[];
  /** NaN where the law does not describe the point. */
  value: number;
  lower?: number | undefined;
  upper?: number | undefined;
  insideData: boolean;
}

export function gridPoints(grid: EvaluateGridResponse): GridPoint[] {
  return grid.values.map((value, index) => {
    // The last axis runs fastest.
    let stride = grid.values.length;
    const at = grid.axes.map(({ values }) => {
      stride /= values.length;
      return values[Math.floor(index / stride) % values.length]!;
    });
    return {
      at,
      value,
      lower: grid.lower[index],
      upper: grid.upper[index],
      insideData: grid.insideData[index] ?? false,
    };
  });
}
