// What quantized runs are held against, as the reader has chosen.

import { REFERENCE_LABELS, type Reference } from '../charts/full_precision';
import { toggled } from './inputs';

export const REFERENCE = {
  name: 'reference',
  label: 'Against',
  options: [
    { value: 'fullPrecisionLaw', label: REFERENCE_LABELS.fullPrecisionLaw },
    { value: 'sameLaw', label: REFERENCE_LABELS.sameLaw },
  ],
} as const;

/** The reference that the reader has chosen. */
export function chosenReference(): Reference {
  return toggled(REFERENCE) as Reference;
}
