import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';

import { JobSchema, JobState } from '../gen/bitbudget/v1/job_pb';
import { barsOf } from './timeline';

const START_MS = 1_700_000_000_000;

function job(init: MessageInitShape<typeof JobSchema>, startSeconds?: number, endSeconds?: number) {
  const at = (seconds: number) => timestampFromMs(START_MS + 1000 * seconds);
  return create(JobSchema, {
    ...init,
    ...(startSeconds !== undefined && { startTime: at(startSeconds) }),
    ...(endSeconds !== undefined && { endTime: at(endSeconds) }),
  });
}

test('bars count from the first lease; what goes on reaches to now', () => {
  const bars = barsOf(
    [
      job({ worker: 'b', state: JobState.RUNNING }, 10),
      job({ worker: 'a', state: JobState.SUCCEEDED }, 4, 9),
      job({ state: JobState.QUEUED }),
    ],
    START_MS + 30_000,
  );
  expect(bars.map(({ worker, start, end }) => [worker, start, end])).toEqual([
    ['b', 6, 26],
    ['a', 0, 5],
  ]);
});

test('a job queued again after its end goes on', () => {
  const [bar] = barsOf([job({ state: JobState.QUEUED }, 0, 5)], START_MS + 8_000);
  expect(bar).toMatchObject({ worker: 'nobody', end: 8 });
});

test('a clock behind that of the server makes no bar of negative length', () => {
  const [bar] = barsOf([job({ state: JobState.LEASED }, 60)], START_MS);
  expect(bar).toMatchObject({ start: 0, end: 0 });
});
