// Which law a question is put to.

import type { LawSource } from '../gen/bitbudget/v1/common_pb';
import type { Subject } from '../state/study';

/** The current fit of the study. */
export function currentLaw({ study }: Subject): { source: LawSource['source'] } {
  return { source: { case: 'study', value: study.name } };
}
