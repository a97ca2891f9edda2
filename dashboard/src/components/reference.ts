// What quantized runs are held against.

import { REFERENCE_LABELS, type Reference } from '../charts/full_precision';
import type { Choice } from './inputs';

export const REFERENCE: Choice<Reference> = {
  name: 'reference',
  label: 'Against',
  options: [
    { value: 'fullPrecisionLaw', label: REFERENCE_LABELS.fullPrecisionLaw },
    { value: 'sameLaw', label: REFERENCE_LABELS.sameLaw },
  ],
};
