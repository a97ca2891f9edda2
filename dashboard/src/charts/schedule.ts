// The learning rate of a plan, step by step.

import * as Plot from '@observablehq/plot';

import type { SchedulePhase, SchedulePlan } from '../gen/bitbudget/v1/planner_pb';
import { formatPercent, formatQuantity } from '../text/quantity';
import type { Chart } from './chart';

/** Points that a curved phase is drawn with. */
const CURVE_POINTS = 40;

/** The share of the way from the first rate to the last one after a share of the steps. */
function progress(shape: string, share: number): number {
  switch (shape) {
    case '1-sqrt':
      return Math.sqrt(share);
    case 'cosine':
      return (1 - Math.cos(Math.PI * share)) / 2;
    default:
      return share;
  }
}

type RatePoint = { phase: string; step: number; learning_rate: number };

/** The rate at the ends of straight phases, and along curved ones. */
export function ratePoints(phases: readonly SchedulePhase[]): RatePoint[] {
  const points: RatePoint[] = [];
  let before = 0;
  for (const { name, steps, firstRate, lastRate, shape } of phases) {
    const count = shape === 'linear' || shape === 'constant' ? 1 : CURVE_POINTS;
    for (let index = 0; index <= count; ++index) {
      const share = index / count;
      points.push({
        phase: name,
        step: before + share * Number(steps),
        learning_rate: firstRate + (lastRate - firstRate) * progress(shape, share),
      });
    }
    before += Number(steps);
  }
  return points;
}

export function scheduleChart({ phases, fpSteps, qatSteps }: SchedulePlan): Chart {
  const rows = ratePoints(phases);
  const last = Number(fpSteps) + Number(qatSteps);
  return {
    title: 'Learning rate',
    summary: phases.map(({ name, steps }) => `${name}: ${steps} steps`).join('; '),
    rows,
    options: ({ colors }) => ({
      height: 230,
      marginLeft: 52,
      marginBottom: 40,
      x: { label: 'Step', tickFormat: formatQuantity, domain: [0, last] },
      y: { label: 'Learning rate, of the peak', tickFormat: formatPercent, grid: true },
      marks: [
        Plot.rect([{ x1: Number(fpSteps), x2: last }], {
          x1: 'x1',
          x2: 'x2',
          fill: colors.accent,
          fillOpacity: 0.14,
        }),
        Plot.text([(Number(fpSteps) + last) / 2], {
          x: (step) => step,
          frameAnchor: 'top',
          dy: -12,
          text: () => 'QAT',
        }),
        Plot.line(rows, { x: 'step', y: 'learning_rate', stroke: colors.accent, strokeWidth: 2 }),
      ],
    }),
  };
}
