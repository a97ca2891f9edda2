// Streams of news that last as long as somebody looks.

import { Code, ConnectError } from '@connectrpc/connect';

import { connectionLost } from '../state/connection';
import { isUnreachable } from './refusal';
import { wait } from './wait';

const PAUSE_MS = 1_000;

/** So many messages are handed on at once where they have come already. */
const MESSAGES_AT_A_TIME = 100;

/** A question put again would be refused again. */
const FINAL: readonly Code[] = [
  Code.InvalidArgument,
  Code.NotFound,
  Code.FailedPrecondition,
  Code.PermissionDenied,
  Code.Unimplemented,
];

/**
 * Hands on the messages of a stream and opens it again when it breaks, until `onMessage` says
 * that it has heard enough, or `signal`. Ends when the connection is lost, for the caller to
 * begin again once there is one; throws what the server refuses for good.
 */
export async function follow<Message>(
  open: () => AsyncIterable<Message>,
  signal: AbortSignal,
  onMessage: (message: Message, isFirst: boolean) => 'more' | 'enough',
): Promise<void> {
  while (!signal.aborted) {
    try {
      let count = 0;
      for await (const message of open()) {
        if (signal.aborted || onMessage(message, count === 0) === 'enough') return;
        if (++count % MESSAGES_AT_A_TIME === 0) await wait(0, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isUnreachable(error)) return void connectionLost();
      if (FINAL.includes(ConnectError.from(error).code)) throw error;
    }
    await wait(PAUSE_MS, signal);
  }
}
