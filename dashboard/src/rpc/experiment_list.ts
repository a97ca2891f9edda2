// Pages of the experiments of a study, as the reader filters and orders them.

import type { CallOptions } from '@connectrpc/connect';
import type { MessageInitShape } from '@bufbuild/protobuf';

import {
  type ExperimentFilterSchema,
  ListExperimentsRequest_OrderBy as OrderBy,
} from '../gen/bitbudget/v1/experiment_pb';
import { CSV_HEADER, experimentLine, nextTurn } from '../text/experiment_file';
import { experiments } from './clients';

export type Filter = MessageInitShape<typeof ExperimentFilterSchema>;

export interface ListQuestion {
  parent: string;
  filter: Filter;
  orderBy: OrderBy;
  descending: boolean;
  pageSize: number;
  pageToken: string;
  /** What the study was like when it was asked: another state is another question. */
  revision: bigint;
}

export function askPage({ revision: _, ...request }: ListQuestion, options: CallOptions) {
  return experiments.listExperiments(request, options);
}

/** All runs that match, as a file that can be imported; hands on how many have come. */
export async function exportCsv(
  signal: AbortSignal,
  parent: string,
  filter: Filter,
  onProgress: (count: number) => void,
): Promise<string> {
  const lines = [CSV_HEADER];
  const messages = experiments.exportExperiments({ parent, filter }, { signal, timeoutMs: 0 });
  for await (const { experiments: runs } of messages) {
    for (const run of runs) lines.push(experimentLine(run));
    onProgress(lines.length - 1);
    // Messages that have come already would leave the page no turn in between.
    await nextTurn();
  }
  return lines.join('');
}
