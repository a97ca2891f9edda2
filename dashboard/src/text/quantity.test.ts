import { describe, expect, test } from 'vitest';

import {
  formatBytes,
  formatPercent,
  formatQuantity,
  formatReal,
  formatShare,
  formatSigned,
  parseCount,
  parseReal,
} from './quantity';

describe('parseCount', () => {
  test.each([
    ['86M', 'parameters', 86_000_000n],
    ['2.2B', 'parameters', 2_200_000_000n],
    ['2.2G', 'none', 2_200_000_000n],
    ['86_000_000', 'parameters', 86_000_000n],
    ['30Btok', 'tokens', 30_000_000_000n],
    ['30 B tokens', 'tokens', 30_000_000_000n],
    ['1.4e12', 'tokens', 1_400_000_000_000n],
    ['4GiB', 'bytes', 4_294_967_296n],
    ['80GB', 'bytes', 80_000_000_000n],
    ['0.3k', 'none', 300n],
  ] as const)('reads %s', (text, unit, value) => {
    expect(parseCount(text, unit)).toEqual({ value });
  });

  test.each([
    ['', 'tokens', 'is not a number'],
    ['many', 'tokens', 'is not a number'],
    ['1.5', 'parameters', 'is not a whole number'],
    ['-1', 'tokens', 'is below 0'],
    ['1_', 'tokens', "ends in '_'"],
    ['4G', 'bytes', 'which is no unit of memory'],
    ['3 dozen', 'tokens', 'which is no power or unit known here'],
    ['3Btok', 'parameters', 'which is no power or unit known here'],
    ['10E', 'tokens', 'is beyond 64 bits'],
  ] as const)('refuses %j, naming the text and an example', (text, unit, why) => {
    const parsed = parseCount(text, unit);
    expect(parsed).toEqual({ problem: expect.stringContaining(why) });
    expect(parsed).toEqual({ problem: expect.stringMatching(`^'${text}' .*; write for example `) });
  });
});

describe('parseReal', () => {
  test.each([
    ['10%', 'share', 0.1],
    ['0.1', 'share', 0.1],
    ['.5', 'share', 0.5],
    ['1e21FLOP', 'flops', 1e21],
    ['2ZFLOP', 'flops', 2e21],
    // "1e" has an exponent only if digits follow it.
    ['1EFLOP', 'flops', 1e18],
  ] as const)('reads %s', (text, unit, value) => {
    expect(parseReal(text, unit)).toEqual({ value });
  });

  test('decimals are exact', () => {
    expect(parseReal('1.1M', 'none')).toEqual({ value: 1_100_000 });
  });

  test('refuses what no double holds', () => {
    expect(parseReal('1e400', 'none')).toHaveProperty('problem');
  });
});

test.each([
  [0, '0'],
  [55_296, '55.3k'],
  [999.4, '999'],
  [999.5, '1k'],
  [1e9, '1B'],
  [999_499_999, '999M'],
  [999_500_000, '1B'],
  [1.4e12, '1.4T'],
  [9.994e17, '999P'],
  [1e18, '1e18'],
  [1.42e20, '1.42e20'],
  [2e22, '2e22'],
  [-4.5e6, '-4.5M'],
  [0.0031, '0.0031'],
  [2e-8, '2e-8'],
  [1.44e-6, '1.44e-6'],
])('formatQuantity(%d) is %s', (value, text) => expect(formatQuantity(value)).toBe(text));

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1023.5, '1 KiB'],
  [61_440, '60 KiB'],
  [4 * 1024 ** 3, '4 GiB'],
  [5 * 1024 ** 5, '5120 TiB'],
])('formatBytes(%d) is %s', (value, text) => expect(formatBytes(value)).toBe(text));

test('shares too near to 0 and 1 are not told to the digit', () => {
  expect(formatShare(0.0005)).toBe('below 0.1 %');
  expect(formatShare(0.9999)).toBe('above 99.9 %');
  expect(formatShare(0.3158)).toBe('31.6 %');
});

test('percent, real and signed numbers', () => {
  expect(formatPercent(0.9)).toBe('90 %');
  expect(formatReal(7.26634)).toBe('7.266');
  expect(formatReal(0.00002345)).toBe('2.345e-5');
  expect(formatReal(6.0221e23)).toBe('6.022e23');
  expect(formatReal(Infinity)).toBe('Infinity');
  expect(formatSigned(-0.03649)).toBe('-0.0365');
  expect(formatSigned(0)).toBe('+0.0000');
  expect(formatSigned(-999_999)).toBe('-999999.0000');
  expect(formatSigned(2.3456e8)).toBe('+2.346e8');
  expect(formatSigned(-Infinity)).toBe('-Infinity');
});
