// News of a study, pushed by the server.

import type { WatchFitsResponse } from '../gen/bitbudget/v1/fit_pb';
import { connectionLost } from '../state/connection';
import { fits } from './clients';
import { isUnreachable } from './refusal';

/** The server gives a sign of life every 15 s; after this long without any it is gone. */
const LONGEST_SILENCE_MS = 40_000;

/**
 * Calls `onNews` with each message about the study until `signal`. Ends when the connection is
 * lost; it is to be called again once there is one. Throws what the server refuses.
 */
export async function watchFits(
  study: string,
  signal: AbortSignal,
  onNews: (news: WatchFitsResponse) => Promise<void>,
): Promise<void> {
  const given = new AbortController();
  const giveUp = () => given.abort();
  signal.addEventListener('abort', giveUp, { once: true });
  let silence = setTimeout(giveUp, LONGEST_SILENCE_MS);
  try {
    const stream = fits.watchFits({ parent: study }, { signal: given.signal, timeoutMs: 0 });
    for await (const news of stream) {
      clearTimeout(silence);
      silence = setTimeout(giveUp, LONGEST_SILENCE_MS);
      await onNews(news);
    }
  } catch (error) {
    if (!given.signal.aborted && !isUnreachable(error)) throw error;
  } finally {
    clearTimeout(silence);
  }
  if (!signal.aborted) void connectionLost();
}
