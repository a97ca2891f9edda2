// The jobs of a study or campaign and their learning curves, as they change.

import { useEffect, useState } from 'preact/hooks';

import type { Campaign } from '../gen/bitbudget/v1/campaign_pb';
import type { Job, ProgressPoint, WatchJobsResponse } from '../gen/bitbudget/v1/job_pb';
import { connectionCount } from '../state/connection';
import { isVisible } from '../state/visibility';
import { campaigns, jobs } from './clients';
import { follow } from './follow';
import { refusalOf, type Refusal } from './refusal';
import { wait } from './wait';

export interface LiveJobs {
  /** Study and campaign that they belong to. */
  of: string;
  /** By name, in the order in which they were created. */
  jobs: ReadonlyMap<string, Job>;
  /** Points of the jobs that are trained, and of those that were while one looked. */
  curves: ReadonlyMap<string, readonly ProgressPoint[]>;
  /** Changes with the state of any job, not with its progress. */
  stateVersion: number;
  /** False until all present jobs are there. */
  isComplete: boolean;
  refusal?: Refusal;
}

const NOTHING: LiveJobs = {
  of: '',
  jobs: new Map(),
  curves: new Map(),
  stateVersion: 0,
  isComplete: false,
};

/** News come faster than one can see; the page shows them this often. */
const SHOW_INTERVAL_MS = 250;

function hasMoved(before: Job | undefined, now: Job): boolean {
  return (
    before?.state !== now.state ||
    before.attempt !== now.attempt ||
    before.lostCount !== now.lostCount ||
    before.failureCount !== now.failureCount
  );
}

/** Jobs gathered from a stream. */
export class JobBoard {
  private readonly jobs = new Map<string, Job>();
  private readonly curves = new Map<string, readonly ProgressPoint[]>();
  private isComplete = false;

  constructor(
    private readonly of: string,
    private stateVersion = 0,
  ) {}

  /** For a stream that begins again: it tells everything again. */
  cleared(): JobBoard {
    return new JobBoard(this.of, this.stateVersion + 1);
  }

  take({ job, points, presentStateComplete }: WatchJobsResponse): void {
    this.isComplete ||= presentStateComplete;
    if (!job) return;
    const before = this.jobs.get(job.name);
    this.jobs.set(job.name, job);
    if (hasMoved(before, job)) ++this.stateVersion;
    const known = before?.attempt === job.attempt ? this.curves.get(job.name) : undefined;
    if (points.length > 0) this.curves.set(job.name, [...(known ?? []), ...points]);
    else if (known === undefined) this.curves.delete(job.name);
  }

  view(): LiveJobs {
    return {
      of: this.of,
      jobs: new Map(this.jobs),
      curves: new Map(this.curves),
      stateVersion: this.stateVersion,
      isComplete: this.isComplete,
    };
  }
}

/** Jobs of a study, or of one campaign of it if that is not empty. */
export function useJobs(parent: string, campaign: string): LiveJobs {
  const of = `${parent} ${campaign}`;
  const [live, setLive] = useState(NOTHING);
  useEffect(() => {
    if (!isVisible.value) return;
    const left = new AbortController();
    const { signal } = left;
    let board = new JobBoard(of, live.stateVersion);
    let isShowing = false;

    async function show() {
      if (isShowing) return;
      isShowing = true;
      await wait(SHOW_INTERVAL_MS, signal);
      isShowing = false;
      if (signal.aborted) return;
      const next = board.view();
      // What was whole stays until there is a new whole: nothing is to jump about.
      setLive((shown) => (shown.of === of && shown.isComplete && !next.isComplete ? shown : next));
    }

    const open = () => jobs.watchJobs({ parent, filter: { campaign } }, { signal, timeoutMs: 0 });
    follow(open, signal, (message, isFirst) => {
      if (isFirst) board = board.cleared();
      board.take(message);
      void show();
      return 'more';
    }).catch((error: unknown) => setLive({ ...NOTHING, of, refusal: refusalOf(error) }));
    return () => left.abort();
  }, [of, connectionCount.value, isVisible.value]);
  return live.of === of ? live : NOTHING;
}

/** The campaign of this name as it goes on; undefined until it is known, or without a name. */
export function useCampaign(name: string, watchCount: number) {
  const [campaign, setCampaign] = useState<Campaign>();
  const [refusal, setRefusal] = useState<Refusal>();
  useEffect(() => {
    setRefusal(undefined);
    if (name === '' || !isVisible.value) return;
    const left = new AbortController();
    const { signal } = left;
    const open = () => campaigns.watchCampaign({ name }, { signal, timeoutMs: 0 });
    follow(open, signal, (message) => {
      setCampaign(message.campaign);
      return message.campaign?.ended ? 'enough' : 'more';
    }).catch((error: unknown) => setRefusal(refusalOf(error)));
    return () => left.abort();
  }, [name, watchCount, connectionCount.value, isVisible.value]);
  return { campaign: campaign?.name === name ? campaign : undefined, refusal };
}
