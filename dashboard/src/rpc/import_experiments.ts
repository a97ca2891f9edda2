// Stores the rows of a file, in as many requests as their size makes necessary. A row that is
// stored already changes nothing, so that a file may be imported again after a correction.

import { create } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';

import { ExperimentConflictSchema } from '../gen/bitbudget/v1/error_details_pb';
import { ExperimentSchema, type Experiment } from '../gen/bitbudget/v1/experiment_pb';
import { BadRequestSchema } from '../gen/google/rpc/error_details_pb';
import type { ExperimentInit, Problem } from '../text/experiment_file';
import { lastPart } from '../text/quantity';
import { experiments } from './clients';

/** More would take the page a noticeable pause, and with long notes more than the 4 MiB allowed. */
const MOST_ROWS = 1_000;

export interface Imported {
  created: number;
  unchanged: number;
  /** Of the study; unset before anything was stored. */
  revision?: bigint;
}

export interface ImportResult extends Imported {
  /** Why the rest of the rows was not stored; empty if all were. */
  problems: Problem[];
}

/** Divides rows into requests that the server takes, each made when it is asked for. */
export function* toBatches(rows: readonly ExperimentInit[]): Generator<Experiment[]> {
  for (let first = 0; first < rows.length; first += MOST_ROWS) {
    yield rows.slice(first, first + MOST_ROWS).map((row) => create(ExperimentSchema, row));
  }
}

/** "experiments[3].loss_nats" of a request is the field loss_nats of its fourth row. */
function toProblem(path: string, description: string, batch: readonly Experiment[]): Problem {
  const match = /^experiments\[(\d+)\]\.?(.*)$/.exec(path);
  const row = match && batch[Number(match[1])];
  return {
    line: Number(row?.provenance?.line ?? 0),
    field: match ? match[2]! : path,
    description,
  };
}

/** What the server finds wrong with the rows of a request; none if the failure is another. */
export function problemsOf(error: ConnectError, batch: readonly Experiment[]): Problem[] {
  const violations = error
    .findDetails(BadRequestSchema)
    .flatMap(({ fieldViolations }) => fieldViolations)
    .map(({ field, description }) => toProblem(field, description, batch));
  const conflicts = error.findDetails(ExperimentConflictSchema).map((conflict): Problem => ({
    line: Number(conflict.line),
    field: conflict.differingFields.join(', '),
    description: conflict.existingExperiment
      ? `differs from the stored run ${lastPart(conflict.existingExperiment)}; exclude that one ` +
        'first if this one is right'
      : `contradicts line ${conflict.earlierLine}`,
  }));
  return [...violations, ...conflicts];
}

/** Stores `rows`; rows that the server refuses are problems, other failures are thrown. */
export async function importExperiments(
  signal: AbortSignal,
  parent: string,
  importBatch: string,
  rows: readonly ExperimentInit[],
  onProgress: (sent: number) => void,
): Promise<ImportResult> {
  const result: ImportResult = { created: 0, unchanged: 0, problems: [] };
  let sent = 0;
  for (const batch of toBatches(rows)) {
    try {
      const request = { parent, importBatch, experiments: batch };
      const reply = await experiments.batchCreateExperiments(request, { signal });
      result.created += Number(reply.createdCount);
      result.unchanged += Number(reply.unchangedCount);
      result.revision = reply.revision;
    } catch (error) {
      result.problems = problemsOf(ConnectError.from(error), batch);
      if (result.problems.length === 0) throw error;
      return result;
    }
    onProgress((sent += batch.length));
  }
  return result;
}
