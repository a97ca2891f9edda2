import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';

import {
  CoefficientSchema,
  ExplainFitResponseSchema,
  FitSchema,
  FractionMisfitSchema,
  LeaveOutReason,
  LackOfFitSchema,
  RowsLeftOutSchema,
} from '../gen/bitbudget/v1/fit_pb';
import {
  coefficientInterval,
  coefficientTable,
  derivedTable,
  directionTable,
  fractionMisfitText,
  lackOfFitText,
  leftOutText,
} from './fit';

const EXPONENT = create(CoefficientSchema, {
  name: 'xi',
  value: 1.9,
  standardError: 0.2,
  identified: true,
  bounds: { lower: 0, upper: 2 },
});

const SCALE = create(CoefficientSchema, {
  name: 'zeta',
  value: 8e-4,
  standardError: 8e-4,
  identified: true,
  unit: 'nats at N = 1e9',
  bounds: { lower: 1e-40, upper: 1e40 },
});

test('an exponent has an interval within its bounds', () => {
  const { lower, upper } = coefficientInterval(EXPONENT, Infinity);
  expect(lower).toBeCloseTo(1.9 - 1.645 * 0.2, 3);
  expect(upper).toBe(2);
});

test('a coefficient that cannot be 0 has an interval of factors', () => {
  const { value, lower, upper } = coefficientInterval(SCALE, Infinity);
  expect(upper! / value).toBeCloseTo(Math.exp(1.645), 1);
  expect(lower! * upper!).toBeCloseTo(value * value, 12);
});

test('few degrees of freedom widen it', () => {
  const width = (degrees: number) => EXPONENT.value - coefficientInterval(EXPONENT, degrees).lower!;
  expect(width(4)).toBeGreaterThan(1.2 * width(Infinity));
});

test('what has no standard error has no interval, and says why', () => {
  const open = create(CoefficientSchema, { name: 'rho', atBound: true, identified: true });
  expect(coefficientInterval(open, 5)).toEqual({ value: 0 });
  const unknown = create(CoefficientSchema, { name: 'theta', value: 1, identified: false });
  const { headings, rows } = coefficientTable([open, unknown], 5);
  expect(headings).toEqual(['Coefficient', 'Value', 'Note']);
  expect(rows).toEqual([
    ['rho', '0', 'at a bound'],
    ['theta', '1', 'not identified by the data'],
  ]);
});

test('rows left out are told with their reasons', () => {
  const rows = [
    create(RowsLeftOutSchema, { reason: LeaveOutReason.ROLE_CONTROL, count: 116n }),
    create(RowsLeftOutSchema, { reason: LeaveOutReason.OTHER_SCHEDULE, count: 64n }),
  ];
  expect(leftOutText(rows)).toBe('116 controls, 64 of another schedule');
  expect(leftOutText([])).toBe('');
  const unheardOf = create(RowsLeftOutSchema, { reason: 999 as LeaveOutReason, count: 1n });
  expect(leftOutText([unheardOf])).toBe('1 for a reason unknown to this version');
});

test('an error that the data do not tell is left empty, and its column out if none is told', () => {
  const told = { name: 'E', value: 1.5, standardError: 0.012345 };
  const untold = { name: 'k', value: 2 };
  expect(derivedTable(create(FitSchema, { derivedCoefficients: [told, untold] })).rows).toEqual([
    ['E', '1.5', '0.012'],
    ['k', '2', ''],
  ]);
  expect(derivedTable(create(FitSchema, { derivedCoefficients: [untold] })).headings).toEqual([
    'Derived',
    'Value',
  ]);
});

test('a combination of coefficients is told with its signs', () => {
  const parts = [
    { coefficient: 'zeta', weight: 0.707 },
    { coefficient: 'eta', weight: -0.7 },
  ];
  const explanation = create(ExplainFitResponseSchema, {
    directions: [{ standardError: 3.14, parts }],
  });
  expect(directionTable(explanation).rows).toEqual([['3.1', '+0.71 zeta -0.70 eta']]);
});

test('misfit within the noise is called so', () => {
  const lack = create(LackOfFitSchema, { misfitRms: 0.004, fRatio: 1.1, pValue: 0.3 });
  expect(lackOfFitText(lack)).toBe(
    'misses the means of replicates by 0.4 %; F = 1.1, p = 0.3; no more than their noise explains',
  );
  const beyond = create(LackOfFitSchema, { misfitRms: 0.01, pValue: 1e-120, misfitStddev: 0.009 });
  expect(lackOfFitText(beyond)).toContain(
    'p < 1e-99; 0.9 % with their noise taken off and the fitted parameters counted',
  );
  expect(lackOfFitText(undefined)).toContain('no replicates');
});

test('one measured optimum is no optimums', () => {
  const fractionMisfit = create(FractionMisfitSchema, { optimumCount: 34, logitRms: 1.01 });
  const fit = create(FitSchema, { law: 'compute_optimal_qat', fractionMisfit });
  expect(fractionMisfitText(fit)).toContain('34 measured optima');
});

test('the published law of the fraction stands beside the fitted one, where it is defined', () => {
  const textOf = (publishedLogitRms?: number) => {
    const fractionMisfit = create(FractionMisfitSchema, { logitRms: 1.01, publishedLogitRms });
    return fractionMisfitText(create(FitSchema, { law: 'compute_optimal_qat', fractionMisfit }));
  };
  expect(textOf(0.5)).toContain('; apple_qat_fraction by 0.5');
  expect(textOf()).not.toContain('apple_qat_fraction');
});

test('a law of no fractions misses none; the one that tells them says what it lacks', () => {
  expect(fractionMisfitText(create(FitSchema, { law: 'chinchilla' }))).toBeUndefined();
  expect(fractionMisfitText(create(FitSchema, { law: 'compute_optimal_qat' }))).toContain(
    'unknown: needs replicates',
  );
});
