// Writes that the reader asks for: one at a time, with what came of it.

import { useEffect, useRef, useState } from 'preact/hooks';

import { isCancelled, refusalOf, type Refusal } from './refusal';

export interface Action<Arguments extends unknown[], Result> {
  run(...args: Arguments): Promise<void>;
  pending: boolean;
  /** What came of the last one. */
  result?: Result;
  refusal?: Refusal;
}

/** `act` as an action; leaving the page cancels it. */
export function useAction<Arguments extends unknown[], Result>(
  act: (signal: AbortSignal, ...args: Arguments) => Promise<Result>,
): Action<Arguments, Result> {
  const [state, setState] = useState<Omit<Action<Arguments, Result>, 'run'>>({ pending: false });
  const left = useRef(new AbortController());
  useEffect(() => () => left.current.abort(), []);

  async function run(...args: Arguments): Promise<void> {
    const { signal } = left.current;
    setState({ pending: true });
    try {
      const result = await act(signal, ...args);
      if (!signal.aborted) setState({ pending: false, result });
    } catch (error) {
      if (signal.aborted) return;
      setState({ pending: false, ...(!isCancelled(error) && { refusal: refusalOf(error) }) });
    }
  }

  return { ...state, run };
}
