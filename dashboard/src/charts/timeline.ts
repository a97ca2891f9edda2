// When which worker trained what.

import { timestampMs } from '@bufbuild/protobuf/wkt';
import * as Plot from '@observablehq/plot';

import { JobState, type Job } from '../gen/bitbudget/v1/job_pb';
import {
  attemptsText,
  countStates,
  formatDuration,
  hasEnded,
  JOB_STATES,
  remarkOf,
  stateText,
} from '../text/jobs';
import { lastPart } from '../text/quantity';
import type { Chart, Colors } from './chart';
import { legend } from './marks';

/** From the first lease of a job to its end. */
export interface Bar {
  job: Job;
  worker: string;
  /** Seconds since the first lease of all. */
  start: number;
  end: number;
}

/** The bars of all jobs that were leased; those that have not ended reach to `now`. */
export function barsOf(jobs: Iterable<Job>, nowMs: number): Bar[] {
  const started = [...jobs].filter((job) => job.startTime !== undefined);
  const starts = started.map((job) => timestampMs(job.startTime!));
  const first = starts.reduce((least, start) => Math.min(least, start), Infinity);
  return started.map((job, index) => {
    const end = hasEnded(job) && job.endTime ? timestampMs(job.endTime) : nowMs;
    return {
      job,
      worker: job.worker || 'nobody',
      start: (starts[index]! - first) / 1000,
      end: (Math.max(end, starts[index]!) - first) / 1000,
    };
  });
}

function stateColors(colors: Colors): Record<JobState, string> {
  const [purple, blue, teal, green, amber, orange] = colors.sequence;
  return {
    [JobState.JOB_STATE_UNSPECIFIED]: colors.faint,
    [JobState.RUNNING]: blue!,
    [JobState.LEASED]: teal!,
    [JobState.LOST]: orange!,
    [JobState.FAILED]: colors.mark,
    [JobState.QUEUED]: amber!,
    [JobState.SUCCEEDED]: green!,
    [JobState.CANCELLED]: purple!,
  };
}

function tipOf({ job, start, end }: Bar): string {
  const remark = remarkOf(job);
  return (
    `${lastPart(job.name)}: ${job.label}\n${stateText(job.state)}, attempt ${attemptsText(job)}\n` +
    `${formatDuration(start)} to ${formatDuration(end)}, ${formatDuration(end - start)} long` +
    (remark === '' ? '' : `\n${remark}`)
  );
}

const LANE_PIXELS = 22;
const MOST_LANES_PIXELS = 620;

/** Shorter spans would have ticks of less than a second. */
const SHORTEST_SECONDS = 10;

export function timelineChart(bars: readonly Bar[]): Chart {
  const workers = [...new Set(bars.map((bar) => bar.worker))].sort();
  const counts = countStates(bars.map((bar) => bar.job));
  const states = JOB_STATES.filter((state) => counts.get(state)! > 0);
  const interrupted = bars.filter(({ job }) => job.lostCount + job.failureCount > 0);
  const last = bars.reduce((most, bar) => Math.max(most, bar.end), SHORTEST_SECONDS);
  return {
    title: 'Timeline',
    summary:
      `${bars.length} jobs in a lane for each worker that has or had the last lease, from the ` +
      `first lease to the end; ${interrupted.length} of them, outlined, lost a lease or failed ` +
      'on the way.',
    rows: bars.map(({ job, worker, start, end }) => ({
      job: lastPart(job.name),
      label: job.label,
      worker,
      state: stateText(job.state),
      start_seconds: start,
      end_seconds: end,
      attempts: job.attempt,
      lost_leases: job.lostCount,
      failures: job.failureCount,
    })),
    options({ width, colors }) {
      const color = stateColors(colors);
      const { marks, margins } = legend(
        [
          ...states.map((state) => ({
            label: stateText(state),
            color: color[state],
            symbol: 'square' as const,
          })),
          ...(interrupted.length > 0
            ? [{ label: 'interrupted before', color: colors.mark, isLine: true }]
            : []),
        ],
        width,
      );
      const span = { x1: 'start', x2: 'end', y: 'worker', inset: 0.5 };
      return {
        ...margins,
        marginLeft: Math.min(180, 24 + 7 * Math.max(...workers.map((worker) => worker.length))),
        height:
          margins.marginTop +
          margins.marginBottom +
          Math.min(MOST_LANES_PIXELS, LANE_PIXELS * workers.length),
        x: {
          domain: [0, last],
          ticks: width < 500 ? 4 : 10,
          tickFormat: formatDuration,
          label: 'Since the first lease',
        },
        y: { type: 'band', domain: workers, label: null, padding: 0.15 },
        marks: [
          Plot.barX(bars, {
            ...span,
            fill: (bar: Bar) => color[bar.job.state],
            fillOpacity: 0.8,
            tip: true,
            title: tipOf,
          }),
          Plot.barX(interrupted, { ...span, stroke: colors.mark, strokeWidth: 1.8 }),
          ...marks,
        ],
      };
    },
  };
}
