import { expect, test } from 'vitest';

import { middleOf, rangeAround } from './usual_question';

test('the middle of a range is the geometric one, to a digit', () => {
  expect(middleOf([3e5, 16e6])).toBe('2M');
});

test('a question inside the data leaves the range as it is', () => {
  expect(rangeAround([1, 100], 20)).toEqual([1, 100]);
});

test('a question outside stretches the range, by three decades at most', () => {
  expect(rangeAround([1, 100], 500)).toEqual([1, 500]);
  expect(rangeAround([1, 100], 1e6)).toEqual([1e3, 1e6]);
  expect(rangeAround([1e6, 1e8], 1e4)).toEqual([1e4, 1e7]);
});
