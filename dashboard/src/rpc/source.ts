// Which law a question is put to.

import type { LawSource } from '../gen/bitbudget/v1/common_pb';

/** The current fit of the study of this name. */
export function currentLaw(study: string): { source: LawSource['source'] } {
  return { source: { case: 'study', value: study } };
}
