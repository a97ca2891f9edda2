// News of a study, as they come.

import { Code, ConnectError } from '@connectrpc/connect';

import { connectionLost } from '../state/connection';
import { studies } from './clients';
import { isUnreachable } from './refusal';

const PAUSE_MS = 2_000;

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/**
 * Calls `onNews` when a fit of the study has been published or its data have changed, until
 * `signal`. Ends when the connection is lost; it is to be called again once there is one.
 */
export async function watchFits(
  name: string,
  signal: AbortSignal,
  onNews: () => Promise<void>,
): Promise<void> {
  let seen: string | undefined;
  try {
    for (; !signal.aborted; await wait(PAUSE_MS, signal)) {
      const { revision, fitStatus } = await studies.getStudy({ name }, { signal });
      const now = `${revision} ${fitStatus?.state} ${fitStatus?.latestFit}`;
      if (seen !== undefined && seen !== now) await onNews();
      seen = now;
    }
  } catch (error) {
    if (isUnreachable(error)) return void connectionLost();
    if (ConnectError.from(error).code !== Code.Canceled) throw error;
  }
}
