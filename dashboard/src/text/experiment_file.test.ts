import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';

import { ExperimentSchema, Role } from '../gen/bitbudget/v1/experiment_pb';
import { CSV_HEADER, experimentLine, readExperimentFile } from './experiment_file';

const HEADER = 'parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,role,note\n';

test('a row is read into the fields of the contract, with its line', async () => {
  const { rows, problems } = await readExperimentFile(
    `${HEADER}1.5M,30Btok,1e9,1.58,2.25,fp-then-qat,"a, b"\n`,
  );
  expect(problems).toEqual([]);
  expect(rows).toEqual([
    {
      provenance: { line: 2n },
      parameters: 1_500_000n,
      fpTokens: 30_000_000_000n,
      qatTokens: 1_000_000_000n,
      weightBits: 1.58,
      lossNats: 2.25,
      role: Role.FP_THEN_QAT,
      note: 'a, b',
    },
  ]);
});

test('every wrong cell is told by line and field, good rows are kept', async () => {
  const { rows, problems } = await readExperimentFile(
    `${HEADER}1.5,x,1,2,,,\n1,1,1,2,2.5,,\n1,1,1,2,2.5,QAT,\n1,2\n`,
  );
  expect(rows).toHaveLength(1);
  expect(problems.map(({ line, field }) => [line, field])).toEqual([
    [2, 'parameters'],
    [2, 'fp_tokens'],
    [2, 'loss_nats'],
    [4, 'role'],
    [5, ''],
  ]);
  expect(problems[2]!.description).toBe('is empty');
  expect(problems[4]!.description).toBe('has 2 cells where the header has 7 columns');
});

test.each([
  ['', 'the file is empty'],
  ['parameters,size\n', "unknown column 'size'"],
  ['Name,State,eval/loss\n', '--columns MAP reads those of other programs'],
  ['parameters,parameters\n', 'stands there twice'],
  ['parameters,fp_tokens,qat_tokens,weight_bits\n', "'loss_nats' is missing"],
])('the file %j is refused as a whole', async (content, why) => {
  const { rows, problems } = await readExperimentFile(content);
  expect(rows).toEqual([]);
  expect(problems).toEqual([
    { line: 1, field: '', description: expect.stringContaining(why) as string },
  ]);
});

test('what is written is read back', async () => {
  const experiment = create(ExperimentSchema, {
    parameters: 24_576n,
    fpTokens: 300_032n,
    qatTokens: 699_904n,
    weightBits: 1.58,
    lossNats: 2.4057,
    role: Role.FP_THEN_QAT,
    replicate: 3,
    note: 'says "hello",\ntwice',
  });
  const { rows } = await readExperimentFile(CSV_HEADER + experimentLine(experiment));
  expect(create(ExperimentSchema, { ...rows[0], provenance: undefined })).toEqual(experiment);
});
