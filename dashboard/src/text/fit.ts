// Fits in words: coefficients, scatter, the ladder, what the data hardly tell.

import {
  LeaveOutReason,
  type Coefficient,
  type ExplainFitResponse,
  type Fit,
  type LackOfFit,
  type Noise,
  type RowsLeftOut,
  Termination,
} from '../gen/bitbudget/v1/fit_pb';
import { intervalText, type Interval } from './estimate';
import { counted, formatPercent, formatReal, words } from './quantity';
import { studentQuantile } from './student';
import { withoutEmptyColumns, type TextTable } from './text_table';

/** Level of the intervals of coefficients. */
export const COEFFICIENT_CONFIDENCE = 0.9;

const LEFT_OUT: Partial<Record<LeaveOutReason, string>> = {
  [LeaveOutReason.ROW_EXCLUDED]: 'excluded',
  [LeaveOutReason.ROLE_CONTROL]: 'controls',
  [LeaveOutReason.ROLE_QAT_FROM_SCRATCH]: 'with QAT from scratch',
  [LeaveOutReason.ROLE_POST_TRAINING]: 'quantized after training',
  [LeaveOutReason.ROLE_FP_THEN_QAT]: 'with QAT',
  [LeaveOutReason.QUANTIZED_ACTIVATIONS]: 'with quantized activations',
  [LeaveOutReason.OTHER_SCHEDULE]: 'of another schedule',
  [LeaveOutReason.OTHER_RECIPE]: 'of another recipe',
  [LeaveOutReason.OTHER_OPTIMIZER]: 'of another optimizer',
  [LeaveOutReason.TOO_FEW_FP_TOKENS]: 'with too few full-precision tokens',
  [LeaveOutReason.ZERO_WEIGHT]: 'of weight 0',
};

/** "116 controls, 64 of another schedule"; empty if every row is fitted. */
export function leftOutText(rows: readonly RowsLeftOut[]): string {
  return rows
    .map(
      ({ reason, count }) =>
        `${count} ${LEFT_OUT[reason] ?? 'for a reason unknown to this version'}`,
    )
    .join(', ');
}

/**
 * The interval of a coefficient by its standard error. Coefficients that cannot be 0 are
 * estimated in the logarithm, and so are their intervals; exponents stay within their bounds.
 */
export function coefficientInterval(
  { value, standardError, bounds }: Coefficient,
  degreesOfFreedom: number,
): Interval {
  if (standardError === undefined) return { value };
  const margin = studentQuantile((1 + COEFFICIENT_CONFIDENCE) / 2, degreesOfFreedom);
  if (bounds && bounds.lower > 0) {
    const factor = Math.exp((margin * standardError) / value);
    return { value, lower: value / factor, upper: value * factor };
  }
  return {
    value,
    lower: Math.max(bounds?.lower ?? -Infinity, value - margin * standardError),
    upper: Math.min(bounds?.upper ?? Infinity, value + margin * standardError),
  };
}

function noteOf({ identified, atBound }: Coefficient): string {
  if (!identified) return 'not identified by the data';
  return atBound ? 'at a bound' : '';
}

/** Empty where the data tell none. */
function errorText(standardError: number | undefined): string {
  return standardError === undefined ? '' : formatReal(Number(standardError.toPrecision(2)));
}

export function coefficientTable(
  coefficients: readonly Coefficient[],
  degreesOfFreedom: number | undefined,
): TextTable {
  return withoutEmptyColumns({
    headings: [
      'Coefficient',
      'Value',
      `${formatPercent(COEFFICIENT_CONFIDENCE)} interval`,
      'Standard error',
      'Unit',
      'Note',
    ],
    rows: coefficients.map((coefficient) => {
      const { name, value, standardError, unit } = coefficient;
      const interval = coefficientInterval(coefficient, degreesOfFreedom ?? Infinity);
      return [
        name,
        formatReal(value),
        intervalText(interval, formatReal) ?? '',
        errorText(standardError),
        unit,
        noteOf(coefficient),
      ];
    }),
  });
}

export function derivedTable({ derivedCoefficients }: Fit): TextTable {
  return withoutEmptyColumns({
    headings: ['Derived', 'Value', 'Standard error'],
    rows: derivedCoefficients.map(({ name, value, standardError }) => [
      name,
      formatReal(value),
      errorText(standardError),
    ]),
  });
}

/** "p < 1e-99". */
function probabilityText(p: number): string {
  const least = 1e-99;
  return p < least ? `p < ${least}` : `p = ${formatReal(Number(p.toPrecision(2)))}`;
}

/** Scatter that runs of one trunk share. */
export function trunkText(noise: Noise): string {
  if (noise.trunkCount === 0) return 'unknown: no trunk has two runs';
  const known = `${formatPercent(noise.trunkStddev)}, from ${counted(noise.trunkCount, 'trunk')}`;
  if (!noise.trunkConfoundedWithSize) return known;
  return noise.trunkStddev > 0
    ? `${known}; no size has two, which may be the misfit of the law`
    : 'unknown: no size has two trunks';
}

export function lackOfFitText(lack: LackOfFit | undefined): string {
  if (!lack) return 'unknown: the data have no replicates';
  const beyond =
    lack.misfitStddev > 0
      ? `${formatPercent(lack.misfitStddev)} with their noise taken off and the fitted parameters counted`
      : 'no more than their noise explains';
  return (
    `misses the means of replicates by ${formatPercent(lack.misfitRms)}; ` +
    `F = ${formatReal(lack.fRatio)}, ${probabilityText(lack.pValue)}; ${beyond}`
  );
}

/** The law that tells best QAT fractions. */
const FRACTION_LAW = 'compute_optimal_qat';

/** How far its best fractions are from the measured ones; undefined of a law that tells none. */
export function fractionMisfitText({ law, fractionMisfit: misfit }: Fit): string | undefined {
  if (law !== FRACTION_LAW) return undefined;
  if (!misfit) return 'unknown: needs replicates and 3 measured optima';
  const beyond =
    misfit.logitStddev > 0
      ? `${formatReal(Number(misfit.logitStddev.toPrecision(2)))} beyond the errors of these`
      : 'no more than noise explains';
  const published =
    misfit.publishedLogitRms === undefined
      ? ''
      : `; apple_qat_fraction by ${formatReal(Number(misfit.publishedLogitRms.toPrecision(3)))}`;
  return (
    `off ${counted(misfit.optimumCount, 'measured optimum').replace('optimums', 'optima')} by ` +
    `${formatReal(Number(misfit.logitRms.toPrecision(3)))} in logit f; ` +
    `${probabilityText(misfit.pValue)}; ${beyond}${published}`
  );
}

/** How the search for the coefficients went; undefined on a rung without one. */
export function searchText(fit: Fit): string | undefined {
  if (fit.termination === undefined) return undefined;
  return (
    `${words(Termination[fit.termination])}; ${fit.agreeingStartCount} of ` +
    `${fit.polishedStartCount} polished starts agree, ${fit.startCount} screened, ` +
    `${formatReal(Number(fit.computeSeconds.toPrecision(3)))} s`
  );
}

/** The combinations of coefficients that the runs tell least. */
export function directionTable({ directions }: ExplainFitResponse): TextTable {
  const most = 3;
  return {
    headings: ['Standard error', 'Combination'],
    rows: directions.slice(0, most).map(({ standardError, parts }) => [
      formatReal(Number(standardError.toPrecision(2))),
      parts
        .map(({ coefficient, weight }) => {
          const sign = weight < 0 ? '-' : '+';
          return `${sign}${Math.abs(weight).toFixed(2)} ${coefficient}`;
        })
        .join(' '),
    ]),
  };
}

/** Pairs of coefficients whose estimates move together, strongest first. */
export function correlationTable({ correlations }: ExplainFitResponse): TextTable {
  return {
    headings: ['Coefficients', 'Correlation'],
    rows: correlations.map(({ first, second, value }) => [`${first}, ${second}`, value.toFixed(3)]),
  };
}
