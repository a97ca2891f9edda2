// One job: how it stands, why, and what one can do about it.

import { timestampDate, type Timestamp } from '@bufbuild/protobuf/wkt';

import { JobState, type Job } from '../gen/bitbudget/v1/job_pb';
import { jobs } from '../rpc/clients';
import { useAction } from '../rpc/use_action';
import { useAnswer } from '../rpc/use_answer';
import {
  attemptsText,
  failureText,
  hasEnded,
  kindText,
  lossText,
  plannedTokens,
  progressText,
  stateText,
} from '../text/jobs';
import { formatQuantity, formatReal, lastPart } from '../text/quantity';
import { FactList, type Fact } from './answer';

interface JobDetailsProps {
  /** As the stream has it: without what only a question for the job itself tells. */
  job: Job;
  onClose(): void;
}

function timeText(time: Timestamp | undefined): string {
  return time ? timestampDate(time).toLocaleString() : '';
}

function factsOf(job: Job): Fact[] {
  const { statistics, startJob, startTokens, dependencies, training } = job;
  const facts: Fact[] = [
    { name: 'State', value: stateText(job.state) },
    { name: 'Kind', value: kindText(job) },
    { name: 'Attempts', value: attemptsText(job) },
    { name: 'Worker', value: job.worker },
    {
      name: 'Done',
      value: progressText(job),
      note: `of ${formatQuantity(plannedTokens(job))} tokens`,
    },
    { name: 'Training loss', value: lossText(job) },
    { name: 'Estimated', value: `${formatQuantity(job.estimatedFlops)} FLOPs` },
    { name: 'Seed', value: String(training?.seed ?? 0) },
    { name: 'Waits for', value: dependencies.map(lastPart).join(', ') },
    {
      name: 'Starts',
      value:
        startJob && `at ${formatQuantity(Number(startTokens))} tokens of ${lastPart(startJob)}`,
    },
    { name: 'Experiment', value: lastPart(job.experiment) },
    { name: 'Created', value: timeText(job.createTime) },
    { name: 'Started', value: timeText(job.startTime) },
    { name: 'Ended', value: timeText(job.endTime) },
  ];
  if (statistics) {
    facts.push({
      name: 'Training took',
      value: `${formatReal(statistics.trainSeconds)} s`,
      note: `${formatQuantity(statistics.tokensPerSecond)} tokens/s`,
    });
  }
  return facts.filter(({ value }) => value !== '');
}

export function JobDetails({ job, onClose }: JobDetailsProps) {
  // Why no worker takes it is told to those who ask for this job alone.
  const asked = useAnswer(
    (request: { name: string; state: JobState }, options) =>
      jobs.getJob({ name: request.name }, options),
    { name: job.name, state: job.state },
  );
  const reason = job.reason || (asked.answer?.name === job.name ? asked.answer.reason : '');
  const changing = useAction((signal, change: 'cancel' | 'retry') =>
    change === 'cancel'
      ? jobs.cancelJob({ name: job.name, reason: 'cancelled on the dashboard' }, { signal })
      : jobs.retryJob({ name: job.name }, { signal }),
  );
  const mayRetry = job.state === JobState.FAILED || job.state === JobState.CANCELLED;
  return (
    <section class="card stack" aria-label={`Job ${lastPart(job.name)}`}>
      <header class="heading">
        <h2>
          Job {lastPart(job.name)}: {job.label}
        </h2>
        <div class="tools">
          <button
            type="button"
            disabled={hasEnded(job) || changing.pending}
            onClick={() => void changing.run('cancel')}
          >
            Cancel
          </button>
          <button
            type="button"
            disabled={!mayRetry || changing.pending}
            onClick={() => void changing.run('retry')}
          >
            Retry
          </button>
          <button type="button" onClick={onClose}>
            Close
          </button>
        </div>
      </header>
      {job.failure && <p class="problem">Last failure: {failureText(job.failure)}</p>}
      {reason !== '' && <p class="advice">{reason}</p>}
      {changing.refusal && <p class="problem">{changing.refusal.message}</p>}
      <FactList facts={factsOf(job)} />
    </section>
  );
}
