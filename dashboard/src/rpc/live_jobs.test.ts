import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { beforeEach, expect, test, vi } from 'vitest';

import { JobState, WatchJobsResponseSchema } from '../gen/bitbudget/v1/job_pb';
import { JobBoard } from './live_jobs';

// Clients and connection want a page; no call is made here.
vi.mock('./clients', () => ({ jobs: {}, campaigns: {} }));
vi.mock('../state/connection', () => ({ connectionCount: { value: 1 } }));
vi.mock('../state/visibility', () => ({ isVisible: { value: true } }));

let board: JobBoard;

beforeEach(() => {
  board = new JobBoard('studies/s ');
});

function take(init: MessageInitShape<typeof WatchJobsResponseSchema>) {
  board.take(create(WatchJobsResponseSchema, init));
  return board.view();
}

const RUNNING = { name: 'j', state: JobState.RUNNING, attempt: 1 };

test('points of a job add up', () => {
  take({ job: RUNNING, points: [{ tokens: 1n }, { tokens: 2n }] });
  const { curves } = take({ job: RUNNING, points: [{ tokens: 3n }] });
  expect(curves.get('j')!.map(({ tokens }) => tokens)).toEqual([1n, 2n, 3n]);
});

test('another attempt begins its curve anew', () => {
  take({ job: RUNNING, points: [{ tokens: 5n }] });
  expect(take({ job: { ...RUNNING, attempt: 2 } }).curves.has('j')).toBe(false);
  const { curves } = take({ job: { ...RUNNING, attempt: 2 }, points: [{ tokens: 1n }] });
  expect(curves.get('j')!.map(({ tokens }) => tokens)).toEqual([1n]);
});

test('the state version grows with states and leases, not with progress', () => {
  const first = take({ job: RUNNING }).stateVersion;
  expect(take({ job: { ...RUNNING, progress: { tokens: 9n } } }).stateVersion).toBe(first);
  expect(take({ job: { ...RUNNING, lostCount: 1 } }).stateVersion).toBe(first + 1);
  expect(take({ job: { ...RUNNING, lostCount: 1, state: JobState.LOST } }).stateVersion).toBe(
    first + 2,
  );
});

test('the present state is complete when the server says so, with a job or without', () => {
  expect(take({ job: RUNNING }).isComplete).toBe(false);
  expect(take({ presentStateComplete: true }).isComplete).toBe(true);
});

test('a stream that begins again forgets what it told, and counts on', () => {
  const { stateVersion } = take({ job: RUNNING, presentStateComplete: true });
  board = board.cleared();
  const { jobs, isComplete, stateVersion: next } = take({});
  expect(jobs.size).toBe(0);
  expect(isComplete).toBe(false);
  expect(next).toBeGreaterThan(stateVersion);
});
