// What one may well ask about a study: the sizes, widths and budgets that were measured. The
// pages begin with the middle of them.

import { ParameterConvention } from '../gen/bitbudget/v1/study_pb';
import { formatQuantity } from '../text/quantity';
import type { Subject } from './study';

export interface Measured {
  /** Sizes, ascending: all of them if the study tells its shapes, else the two ends. */
  parameters: number[];
  weightBits: number[];
  totalTokens: [number, number];
  fpTokens: [number, number];
  /** Of the QAT runs. */
  qatTokens: [number, number];
}

const NOTHING_MEASURED: Measured = {
  parameters: [1e9],
  weightBits: [2, 4],
  totalTokens: [1e9, 1e12],
  fpTokens: [1e9, 1e12],
  qatTokens: [1e8, 1e11],
};

function endsOf(range: { lower: number; upper: number } | undefined): [number, number] {
  return range && range.lower > 0 ? [range.lower, range.upper] : NOTHING_MEASURED.totalTokens;
}

export function measuredOf({ study, fit }: Subject): Measured {
  const support = fit?.dataSupport;
  if (!support?.parameters || !support.totalTokens) return NOTHING_MEASURED;
  const { lower, upper } = support.parameters;
  const shapes = study.modelFamily?.shapes ?? [];
  const sizes = shapes
    .map((shape) => Number(shape.parameters))
    .filter((size) => size >= lower && size <= upper);
  const areOurs = study.parameterConvention === ParameterConvention.NON_EMBEDDING;
  return {
    parameters: areOurs && sizes.length > 0 ? sizes.sort((a, b) => a - b) : [lower, upper],
    weightBits: support.weightBits.length > 0 ? [...support.weightBits] : [2, 4],
    totalTokens: endsOf(support.totalTokens),
    fpTokens: endsOf(support.fpTokens),
    qatTokens: endsOf(support.qatTokens),
  };
}

/** What a figure shows on the far side of a question that lies outside the data. */
const FAR_SIDE = 1000;

/** The measured range, stretched to what is asked; so far that both ends still have an answer. */
export function rangeAround(
  [lower, upper]: readonly [number, number],
  asked: number,
): [number, number] {
  if (asked > upper) return [Math.max(lower, asked / FAR_SIDE), asked];
  return asked < lower ? [asked, Math.min(upper, asked * FAR_SIDE)] : [lower, upper];
}

/** One digit of the geometric mean: "4M". */
export function middleOf([lower, upper]: readonly [number, number]): string {
  return formatQuantity(Number(Math.sqrt(lower * upper).toPrecision(1)));
}

/** The same as texts of a form. */
export function usualQuestion(subject: Subject) {
  const { parameters, weightBits, totalTokens, fpTokens, qatTokens } = measuredOf(subject);
  const middle = parameters[Math.floor((parameters.length - 1) / 2)]!;
  return {
    parameters: String(middle),
    weightBits: String(weightBits.includes(2) ? 2 : weightBits[0]),
    totalTokens: middleOf(totalTokens),
    fpTokens: middleOf(fpTokens),
    qatTokens: middleOf(qatTokens),
  };
}

/** FLOPs of the smallest and the largest run, at 6 a parameter and token. */
export function computeRange({ parameters, totalTokens }: Measured): [number, number] {
  return [6 * parameters[0]! * totalTokens[0], 6 * parameters.at(-1)! * totalTokens[1]];
}
