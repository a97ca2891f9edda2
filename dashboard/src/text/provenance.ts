// Where an answer comes from, in words.

import type { Extrapolation_Axis, Provenance } from '../gen/bitbudget/v1/common_pb';
import { formatQuantity, lastPart, words } from './quantity';

/** "From compute_optimal_qat (full), fit 3, revision 12." */
export function originText(provenance: Provenance): string {
  if (provenance.publishedLaw) {
    return `From ${provenance.publishedLaw}, a published law, without intervals.`;
  }
  const { law, variant, fit, revision } = provenance;
  return `From ${law} (${variant}), fit ${lastPart(fit)}, revision ${revision}.`;
}

/** "parameters 2.2M is 10 times above the largest (measured: 24.6k to 221k)". */
export function outsideText({ axis, value, factor, dataRange }: Extrapolation_Axis): string {
  const side = value > (dataRange?.upper ?? 0) ? 'above the largest' : 'below the smallest';
  const measured = dataRange
    ? ` (measured: ${formatQuantity(dataRange.lower)} to ${formatQuantity(dataRange.upper)})`
    : '';
  return `${words(axis)} ${formatQuantity(value)} is ${formatQuantity(factor)} times ${side}${measured}`;
}
