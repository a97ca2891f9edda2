// The widths that a question weighs against each other.

import type { BitWidthCandidate, RefusedWidth } from '../gen/bitbudget/v1/planner_pb';
import { candidateRemarks, candidateTable } from '../text/widths';
import { TableCard } from './text_table';

interface CandidatesProps {
  /** Best first. */
  candidates: readonly BitWidthCandidate[];
  refused: readonly RefusedWidth[];
}

export function Candidates({ candidates, refused }: CandidatesProps) {
  return (
    <TableCard title="Widths compared" table={candidateTable(candidates)}>
      {candidateRemarks(candidates, refused).map((remark) => (
        <p key={remark}>{remark}</p>
      ))}
    </TableCard>
  );
}
