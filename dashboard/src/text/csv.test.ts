import { expect, test } from 'vitest';

import { toCsv } from './csv';

test('columns are those of all rows, in the order in which they first come', () => {
  expect(toCsv([{ a: 1 }, { a: 2, b: 'x' }])).toBe('a,b\n1,\n2,x\n');
});

test('numbers are exact, and empty where there is none', () => {
  expect(toCsv([{ a: 0.1 + 0.2, b: NaN, c: undefined, d: 12345678901234567890n }])).toBe(
    'a,b,c,d\n0.30000000000000004,,,12345678901234567890\n',
  );
});

test('commas, quotes and line ends are quoted', () => {
  expect(toCsv([{ 'a,b': 'say "yes"', c: 'two\nlines' }])).toBe(
    '"a,b",c\n"say ""yes""","two\nlines"\n',
  );
});
