import { expect, test } from 'vitest';

import { csvRows } from './csv_reader';

const read = (text: string) => [...csvRows(text)];

test('rows know their lines, empty lines are none', () => {
  expect(read('a,b\n\n1, 2\r\n')).toEqual([
    { line: 1, cells: ['a', 'b'] },
    { line: 3, cells: ['1', '2'] },
  ]);
});

test('quoted cells hold commas, quotes and line ends, which count as lines', () => {
  expect(read('"a,""b""", c ,"two\nlines"\nnext,,"x" \n')).toEqual([
    { line: 1, cells: ['a,"b"', 'c', 'two\nlines'] },
    { line: 3, cells: ['next', '', 'x'] },
  ]);
});

test('a byte order mark does not matter, nor a missing line end', () => {
  expect(read('\uFEFFa,"b"')).toEqual([{ line: 1, cells: ['a', 'b'] }]);
});

test.each(['a"b,c', '"a"b,c'])('%s has a quote where none may be', (row) => {
  expect(() => read(`first\n${row}\n`)).toThrow(
    expect.objectContaining({ line: 2, message: expect.stringContaining('none may be') }),
  );
});

test('a quote that is never closed is told with the row that opens it', () => {
  expect(() => read('x\n"open\nfor ever\n')).toThrow(
    expect.objectContaining({ line: 2, message: expect.stringContaining('never closed') }),
  );
});
