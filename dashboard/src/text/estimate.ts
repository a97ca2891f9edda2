// Uncertain quantities in words.

import { formatShare } from './quantity';

export interface Interval {
  value: number;
  lower?: number | undefined;
  upper?: number | undefined;
}

type Format = (value: number) => string;

/** "1.79 to 1.87"; undefined where no interval is known, which never means certainty. */
export function intervalText(estimate: Interval, format: Format): string | undefined {
  if (estimate.lower === undefined || estimate.upper === undefined) return undefined;
  return `${format(estimate.lower)} to ${format(estimate.upper)}`;
}

/** "1.83 (1.79 to 1.87)". */
export function withInterval(estimate: Interval, format: Format): string {
  const interval = intervalText(estimate, format);
  return interval === undefined
    ? format(estimate.value)
    : `${format(estimate.value)} (${interval})`;
}

/** Whether the data leave open that a share of at least 0 is 0. */
export function mayBeZero(estimate: Interval): boolean {
  return estimate.lower === 0;
}

/** Wasted tokens, of all; of what may be none the point value would be taken for a fact. */
export function wasteText(waste: Interval): { value: string; note: string | undefined } {
  return mayBeZero(waste)
    ? { value: 'not told from 0', note: `up to ${formatShare(waste.upper ?? 0)}` }
    : { value: formatShare(waste.value), note: intervalText(waste, formatShare) };
}
