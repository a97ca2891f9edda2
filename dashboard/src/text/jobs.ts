// Jobs and campaigns in words.

import type { Campaign, CampaignCost } from '../gen/bitbudget/v1/campaign_pb';
import {
  JobFailure_Kind,
  JobKind,
  JobState,
  type Job,
  type JobFailure,
} from '../gen/bitbudget/v1/job_pb';
import { counted, formatLoss, formatPercent, formatQuantity, lastPart, words } from './quantity';

/** In the order in which a reader wants to see them: what goes on, what is wrong, the rest. */
export const JOB_STATES = [
  JobState.RUNNING,
  JobState.LEASED,
  JobState.LOST,
  JobState.FAILED,
  JobState.QUEUED,
  JobState.SUCCEEDED,
  JobState.CANCELLED,
] as const;

export function stateText(state: JobState): string {
  return words(JobState[state]);
}

export function isUnderWay({ state }: Job): boolean {
  return state === JobState.RUNNING || state === JobState.LEASED;
}

export function hasEnded({ state }: Job): boolean {
  return state === JobState.SUCCEEDED || state === JobState.FAILED || state === JobState.CANCELLED;
}

/** Tokens that the job is to train. */
export function plannedTokens({ training }: Job): number {
  const schedule = training?.schedule;
  return schedule ? Number(schedule.fpTokens + schedule.qatTokens) : 0;
}

/** Share of the tokens that are trained; undefined before the first report. */
export function progressOf(job: Job): number | undefined {
  const planned = plannedTokens(job);
  return job.progress && planned > 0 ? Number(job.progress.tokens) / planned : undefined;
}

export function progressText(job: Job): string {
  const share = progressOf(job);
  return share === undefined ? '' : `${Math.round(100 * share)} %`;
}

export function lossText({ progress }: Job): string {
  return progress ? formatLoss(progress.lossNats) : '';
}

export function failureText({ kind, attempt, worker, message }: JobFailure): string {
  return `${words(JobFailure_Kind[kind])} at attempt ${attempt} on ${worker}: ${message}`;
}

/** What a reader must know of a job besides its state. */
export function remarkOf(job: Job): string {
  const { state, failure, reason, lostCount } = job;
  if (reason !== '') return reason;
  if (failure && state !== JobState.SUCCEEDED) return failureText(failure);
  return lostCount > 0 ? counted(lostCount, 'lost lease') : '';
}

/** "2, 1 lost, 1 failed"; empty before the first. */
export function attemptsText({ attempt, lostCount, failureCount }: Job): string {
  if (attempt === 0) return '';
  return [
    String(attempt),
    ...(lostCount > 0 ? [`${lostCount} lost`] : []),
    ...(failureCount > 0 ? [`${failureCount} failed`] : []),
  ].join(', ');
}

export function kindText({ kind }: Job): string {
  return words(JobKind[kind]);
}

/** A name for legends and boxes. */
export function shortName(job: Job): string {
  return `${lastPart(job.name)}: ${job.label}`;
}

/** How many jobs are in each state, in the order of JOB_STATES, none left out. */
export function countStates(jobs: Iterable<Job>): Map<JobState, number> {
  const counts = new Map<JobState, number>(JOB_STATES.map((state) => [state, 0]));
  for (const { state } of jobs) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

/** "2 running, 1 lost, 30 queued". */
export function countsText(counts: ReadonlyMap<JobState, number>): string {
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${stateText(state)}`)
    .join(', ');
}

/** What the server counts in a campaign, in the order of JOB_STATES. */
export function campaignCounts({ stateCounts }: Campaign): Map<JobState, number> {
  const counts = countStates([]);
  for (const { state, count } of stateCounts) counts.set(state, Number(count));
  return counts;
}

/** Share of the FLOPs that is done; 0 where nothing is to be done. */
export function doneShare({ flopsDone, cost }: Campaign): number {
  return cost && cost.flops > 0 ? flopsDone / cost.flops : 0;
}

/** "1.34B tokens, 35 % of the FLOPs of training every run alone". */
export function costText({ trainedTokens, flops, flopsAlone }: CampaignCost): string {
  const tokens = `${formatQuantity(Number(trainedTokens))} tokens, ${formatQuantity(flops)} FLOPs`;
  return flopsAlone > 0
    ? `${tokens}; ${formatPercent(flops / flopsAlone)} of every run alone`
    : tokens;
}

/** "1:02:05", "3:07". */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [
    Math.floor(whole / 3600),
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  const two = (part: number) => String(part).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
