import { getEventListeners } from 'node:events';

import { expect, test } from 'vitest';

import { wait } from './wait';

test('a wait ends when the signal says so', async () => {
  const left = new AbortController();
  const waiting = wait(2 ** 30, left.signal);
  left.abort();
  await waiting;
});

test('a wait that has ended before it began ends at once', async () => {
  await wait(2 ** 30, AbortSignal.abort());
});

test('a wait that is over leaves nothing at the signal', async () => {
  const { signal } = new AbortController();
  await wait(0, signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
