import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';

import { CampaignSchema } from '../gen/bitbudget/v1/campaign_pb';
import { JobFailure_Kind, JobSchema, JobState } from '../gen/bitbudget/v1/job_pb';
import {
  attemptsText,
  campaignCounts,
  countsText,
  doneShare,
  formatDuration,
  progressText,
  remarkOf,
} from './jobs';

const job = (init: MessageInitShape<typeof JobSchema>) => create(JobSchema, init);

test.each([
  [0, '0:00'],
  [59.6, '1:00'],
  [187, '3:07'],
  [3725, '1:02:05'],
  [-3, '0:00'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test('progress is the share of all tokens, unknown before the first report', () => {
  const training = { schedule: { fpTokens: 30_000n, qatTokens: 10_000n } };
  expect(progressText(job({ training }))).toBe('');
  expect(progressText(job({ training, progress: { tokens: 18_000n } }))).toBe('45 %');
});

test('attempts tell lost leases from failures', () => {
  expect(attemptsText(job({}))).toBe('');
  expect(attemptsText(job({ attempt: 1 }))).toBe('1');
  expect(attemptsText(job({ attempt: 4, lostCount: 2, failureCount: 1 }))).toBe(
    '4, 2 lost, 1 failed',
  );
});

const FAILURE = {
  kind: JobFailure_Kind.DIVERGED,
  attempt: 2,
  worker: 'node-1',
  message: 'the loss is not finite',
};

test('the reason of the server comes before an old failure', () => {
  expect(remarkOf(job({ reason: 'cancelled', failure: FAILURE }))).toBe('cancelled');
});

test('a failure tells kind, attempt and worker, and is past once the job has succeeded', () => {
  expect(remarkOf(job({ state: JobState.FAILED, failure: FAILURE }))).toBe(
    'diverged at attempt 2 on node-1: the loss is not finite',
  );
  expect(remarkOf(job({ state: JobState.SUCCEEDED, failure: FAILURE, lostCount: 1 }))).toBe(
    '1 lost lease',
  );
});

test('counts of a campaign are in the order that matters, empty states unsaid', () => {
  const campaign = create(CampaignSchema, {
    stateCounts: [
      { state: JobState.QUEUED, count: 5n },
      { state: JobState.FAILED, count: 1n },
      { state: JobState.RUNNING, count: 2n },
    ],
  });
  expect(countsText(campaignCounts(campaign))).toBe('2 running, 1 failed, 5 queued');
});

test('a campaign with nothing to train has done none of it', () => {
  expect(doneShare(create(CampaignSchema, { cost: { flops: 0 } }))).toBe(0);
  expect(doneShare(create(CampaignSchema, { cost: { flops: 8 }, flopsDone: 2 }))).toBe(0.25);
});
