// Best QAT fractions read off the measured runs themselves, without a law, as the fitter does
// (fitter/measured_optima.h): where runs of one size, width and budget have at least three
// fractions, and the mean log loss is least at none of the outermost, the vertex of the
// parabola in logit f through the least and its neighbours.

import { formatPercent, formatQuantity } from '../text/quantity';
import { levelOf, levelsOf } from './scales';

export interface Run {
  parameters: number;
  weightBits: number;
  fpTokens: number;
  qatTokens: number;
  lossNats: number;
}

export interface MeasuredOptimum {
  parameters: number;
  weightBits: number;
  totalTokens: number;
  qatFraction: number;
}

interface Level {
  fraction: number;
  totalTokens: number;
  logLoss: number;
}

export const totalTokens = (run: Run) => run.fpTokens + run.qatTokens;
export const qatFraction = (run: Run) => run.qatTokens / totalTokens(run);

/** What was measured, for whoever points at it. */
export function measuredText(run: Run): string {
  return (
    `measured: ${run.lossNats} nats\n${formatPercent(qatFraction(run))} QAT of ` +
    `${formatQuantity(totalTokens(run))} tokens`
  );
}

const logit = (fraction: number) => Math.log(fraction / (1 - fraction));

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Splits runs by the level of a value, ascending. */
function split(runs: readonly Run[], value: (run: Run) => number): Run[][] {
  const levels = levelsOf(runs.map(value));
  const groups: Run[][] = levels.map(() => []);
  for (const run of runs) groups[levelOf(value(run), levels)]!.push(run);
  return groups;
}

/** Runs that differ in fraction and seed alone. */
export function cellsOf(runs: readonly Run[]): Run[][] {
  return split(runs, (run) => run.parameters)
    .flatMap((group) => split(group, (run) => run.weightBits))
    .flatMap((group) => split(group, totalTokens));
}

// The vertex of the parabola through three points, the middle one lowest; undefined if level.
function vertex([below, least, above]: [Level, Level, Level]): number | undefined {
  const [x1, x2, x3] = [below, least, above].map(({ fraction }) => logit(fraction)) as [
    number,
    number,
    number,
  ];
  const slope12 = (least.logLoss - below.logLoss) / (x2 - x1);
  const slope23 = (above.logLoss - least.logLoss) / (x3 - x2);
  const bend = slope23 - slope12;
  if (bend <= 0) return undefined;
  const x = (x1 + x2) / 2 - ((x3 - x1) / 2) * (slope12 / bend);
  return 1 / (1 + Math.exp(-x));
}

function optimumOf(cell: readonly Run[]): MeasuredOptimum | undefined {
  const levels: Level[] = split(cell, qatFraction).map((runs) => ({
    fraction: mean(runs.map(qatFraction)),
    totalTokens: mean(runs.map(totalTokens)),
    logLoss: mean(runs.map((run) => Math.log(run.lossNats))),
  }));
  const losses = levels.map((level) => level.logLoss);
  const at = losses.indexOf(Math.min(...losses));
  const around = levels.slice(at - 1, at + 2);
  if (at === 0 || around.length < 3) return undefined;
  const fraction = vertex(around as [Level, Level, Level]);
  return fraction === undefined
    ? undefined
    : {
        parameters: cell[0]!.parameters,
        weightBits: cell[0]!.weightBits,
        totalTokens: mean(around.map((level) => level.totalTokens)),
        qatFraction: fraction,
      };
}

export function measuredOptima(runs: readonly Run[]): MeasuredOptimum[] {
  return cellsOf(runs)
    .map(optimumOf)
    .filter((optimum) => optimum !== undefined);
}
