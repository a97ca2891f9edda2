// Asks a question whenever it, or what the server knows, has changed.

import { ConnectError, type CallOptions } from '@connectrpc/connect';
import { useEffect, useRef, useState } from 'preact/hooks';

import { connectionCount } from '../state/connection';
import { knowledge } from '../state/study';
import { isCancelled, isUnreachable, refusalOf, type Refusal } from './refusal';

export interface Asked<Request, Answer> {
  /** The last answer and the question that it belongs to; kept while the next is on its way. */
  answer?: Answer;
  question?: Request;
  /** Why the last question has no answer. */
  refusal?: Refusal;
  pending: boolean;
}

/** Time for further key strokes before a question goes out. */
const DEBOUNCE_MS = 12;

/** What figures wait besides, for a browser has few connections and the number comes first. */
const FIGURE_WAIT_MS = 4;

/** A text that is the same for the same question. */
function keyOf(request: unknown): string {
  return JSON.stringify(request, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

/**
 * The answer of `ask` to `request`; without a request (a form that cannot be read) the
 * last one stays. A question that is overtaken by another is cancelled.
 */
export function useAnswer<Request, Answer>(
  ask: (request: Request, options: CallOptions) => Promise<Answer>,
  request: Request | undefined,
  purpose: 'answer' | 'figure' = 'answer',
): Asked<Request, Answer> {
  const [asked, setAsked] = useState<Asked<Request, Answer>>({ pending: request !== undefined });
  const isFirst = useRef(true);
  const key = request === undefined ? undefined : keyOf(request);

  useEffect(() => {
    if (request === undefined) {
      setAsked((before) => ({ ...before, pending: false }));
      return;
    }
    const overtaken = new AbortController();
    const { signal } = overtaken;
    setAsked((before) => ({ ...before, pending: true }));
    const pause = (isFirst.current ? 0 : DEBOUNCE_MS) + (purpose === 'figure' ? FIGURE_WAIT_MS : 0);
    isFirst.current = false;
    const timer = setTimeout(async () => {
      try {
        const answer = await ask(request, { signal });
        if (!signal.aborted) setAsked({ answer, question: request, pending: false });
      } catch (error) {
        if (signal.aborted || isCancelled(error)) return;
        const isLost = isUnreachable(error);
        setAsked((before) => ({
          // Nobody there: what was known stays on the screen, the banner says the rest.
          ...(isLost ? before : { refusal: refusalOf(ConnectError.from(error)) }),
          pending: false,
        }));
      }
    }, pause);
    return () => {
      clearTimeout(timer);
      overtaken.abort();
    };
  }, [key, knowledge.value, connectionCount.value]);

  return asked;
}
