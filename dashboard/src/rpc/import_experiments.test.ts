import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test, vi } from 'vitest';

import { ExperimentConflictSchema } from '../gen/bitbudget/v1/error_details_pb';
import { ExperimentSchema } from '../gen/bitbudget/v1/experiment_pb';
import { BadRequestSchema } from '../gen/google/rpc/error_details_pb';
import { problemsOf, toBatches } from './import_experiments';

// Clients want a page; no call is made here.
vi.mock('./clients', () => ({ experiments: {} }));

const row = (line: number) => ({ provenance: { line: BigInt(line) } });

test('rows go out in their order, no more in a request than it may hold', () => {
  const batches = [...toBatches(Array.from({ length: 2_001 }, (_, index) => row(index)))];
  expect(batches.map((batch) => batch.length)).toEqual([1_000, 1_000, 1]);
  expect(batches[2]!.at(-1)!.provenance!.line).toBe(2_000n);
});

test('what the server finds wrong is told by line and field', () => {
  const batch = [row(2), row(3)].map((init) => create(ExperimentSchema, init));
  const error = new ConnectError('wrong', Code.InvalidArgument, undefined, [
    {
      desc: BadRequestSchema,
      value: {
        fieldViolations: [
          { field: 'experiments[1].loss_nats', description: '-1 is below 1e-9' },
          { field: 'import_batch', description: 'is too long' },
        ],
      },
    },
    {
      desc: ExperimentConflictSchema,
      value: {
        index: 0,
        line: 2n,
        existingExperiment: 'studies/s/experiments/7',
        differingFields: ['loss_nats', 'note'],
      },
    },
  ]);
  expect(problemsOf(error, batch)).toEqual([
    { line: 3, field: 'loss_nats', description: '-1 is below 1e-9' },
    { line: 0, field: 'import_batch', description: 'is too long' },
    {
      line: 2,
      field: 'loss_nats, note',
      description: expect.stringContaining('the stored run 7') as string,
    },
  ]);
});
