// Learning curves of jobs that were not watched while they were trained.

import { useEffect, useMemo, useState } from 'preact/hooks';

import type { Job, ProgressPoint } from '../gen/bitbudget/v1/job_pb';
import { jobs } from './clients';

/** An attempt that has ended does not change any more. */
const keyOf = ({ name, attempt, state }: Job) => `${name} ${attempt} ${state}`;

/** The whole curves of `wanted`, by name, as far as they have come. */
export function useJobCurves(wanted: readonly Job[]): ReadonlyMap<string, ProgressPoint[]> {
  const [loaded, setLoaded] = useState(new Map<string, ProgressPoint[]>());
  const missing = wanted.filter((job) => !loaded.has(keyOf(job)));
  useEffect(() => {
    const left = new AbortController();
    for (const job of missing) {
      jobs.getJob({ name: job.name }, { signal: left.signal }).then(
        ({ curve }) => setLoaded((before) => new Map(before).set(keyOf(job), curve)),
        // The page goes without; the banner says it if nobody is there.
        () => undefined,
      );
    }
    return () => left.abort();
  }, [missing.map(keyOf).join('\n')]);
  return useMemo(
    () => new Map(wanted.map((job) => [job.name, loaded.get(keyOf(job)) ?? []])),
    [wanted.map(keyOf).join('\n'), loaded],
  );
}
