// The measured QAT runs that the current fit describes, for charts.

import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import type { Run } from '../charts/measured_optima';
import {
  ExperimentFilter_Exclusion,
  Role,
  type Experiment,
} from '../gen/bitbudget/v1/experiment_pb';
import { ParameterConvention } from '../gen/bitbudget/v1/study_pb';
import { subject, type Subject } from '../state/study';
import { experiments } from './clients';

/** More points than this tell an eye nothing. */
const MOST_RUNS = 5_000;
const PAGE_SIZE = 1_000;

interface Runs {
  /** Study and fit that they were loaded for. */
  of: string;
  runs: Run[];
}

const cached = signal<Runs>({ of: '', runs: [] });

/** An experiment as a point of charts, its size as its study counts sizes. */
export function toRun(experiment: Experiment, convention: ParameterConvention): Run {
  const embedding =
    convention === ParameterConvention.TOTAL ? Number(experiment.embeddingParameters) : 0;
  return {
    parameters: Number(experiment.parameters) + embedding,
    weightBits: experiment.weightBits,
    fpTokens: Number(experiment.fpTokens),
    qatTokens: Number(experiment.qatTokens),
    lossNats: experiment.lossNats,
  };
}

// The conditions that the fit states; empty ones match everything.
function filterOf({ fit }: Subject) {
  const { schedule, recipe, optimizer } = fit?.inputs?.options ?? {};
  return {
    roles: [Role.FP_THEN_QAT],
    exclusion: ExperimentFilter_Exclusion.INCLUDED,
    ...(schedule && { schedule }),
    ...(recipe && { recipe }),
    ...(optimizer && { optimizer }),
  };
}

async function load(about: Subject, signal: AbortSignal): Promise<Run[]> {
  const runs: Run[] = [];
  const minFpTokens = Number(about.fit?.inputs?.options?.minFpTokens ?? 0);
  const filter = filterOf(about);
  let pageToken = '';
  do {
    const request = { parent: about.study.name, pageSize: PAGE_SIZE, pageToken, filter };
    const page = await experiments.listExperiments(request, { signal });
    const loaded = page.experiments.map((e) => toRun(e, about.study.parameterConvention));
    runs.push(...loaded.filter((run) => run.fpTokens >= minFpTokens));
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && runs.length < MOST_RUNS);
  return runs;
}

/** The runs of the subject: those of the fit before while new ones are loaded. */
export function useRuns(): Runs {
  const about = subject.value;
  const of = about ? `${about.study.name} ${about.study.revision} ${about.fit?.name}` : '';
  useEffect(() => {
    if (!about || cached.peek().of === of) return;
    if (!cached.peek().of.startsWith(`${about.study.name} `)) {
      cached.value = { of: '', runs: [] };
    }
    const left = new AbortController();
    load(about, left.signal).then(
      (runs) => (cached.value = { of, runs }),
      // Charts go without measured points; the banner or the answer says what is wrong.
      () => undefined,
    );
    return () => left.abort();
  }, [of]);
  return cached.value;
}
