import { expect, test } from 'vitest';

import { changed, formatFragment, parseFragment, type Route } from './fragment';

const ROUTES: Route[] = [
  { page: 'fraction', parameters: {} },
  { page: 'plan', parameters: { study: 'micro', share: '10%', zoom: '1e6..2e7', empty: '' } },
  { page: 'waste', parameters: { note: 'a & b = c, ä?' } },
];

test.each(ROUTES)('what is written is read again: %j', (route) => {
  expect(parseFragment(formatFragment(route))).toEqual(route);
});

test('no fragment is no page', () => {
  expect(parseFragment('')).toEqual({ page: '', parameters: {} });
});

test('an undefined value takes its name away, an empty one stays', () => {
  expect(changed({ a: '1', b: '2' }, { a: undefined, b: '', c: '3' })).toEqual({ b: '', c: '3' });
});
