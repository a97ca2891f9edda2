// The runs that a fit rests on, with what the law says of each.

import type { CallOptions } from '@connectrpc/connect';

import type { FittedRun } from '../charts/residuals';
import type { Experiment } from '../gen/bitbudget/v1/experiment_pb';
import type { ExplainFitResponse } from '../gen/bitbudget/v1/fit_pb';
import type { ParameterConvention } from '../gen/bitbudget/v1/study_pb';
import { experiments, fits } from './clients';
import { toRun } from './runs';

/** As many as the server tells of: those of the largest residuals. */
const MOST_RUNS = 1_000;
const PAGE_SIZE = 1_000;
/** Further pages are not searched for the rest of the runs. */
const MOST_PAGES = 20;

export interface Explained {
  explanation: ExplainFitResponse;
  runs: FittedRun[];
}

interface Question {
  study: string;
  fit: string;
  convention: ParameterConvention;
}

// The experiments of these names, as far as they are found.
async function findAll(study: string, names: ReadonlySet<string>, options: CallOptions) {
  const found: Experiment[] = [];
  let pageToken = '';
  for (let page = 0; page < MOST_PAGES && found.length < names.size; ++page) {
    const request = { parent: study, pageSize: PAGE_SIZE, pageToken };
    const reply = await experiments.listExperiments(request, options);
    found.push(...reply.experiments.filter((experiment) => names.has(experiment.name)));
    pageToken = reply.nextPageToken;
    if (pageToken === '') break;
  }
  return found;
}

export async function askFittedRuns(
  { study, fit, convention }: Question,
  options: CallOptions,
): Promise<Explained> {
  const explanation = await fits.explainFit({ name: fit, runCount: MOST_RUNS }, options);
  const residuals = new Map(explanation.runs.map((run) => [run.experiment, run]));
  const found = await findAll(study, new Set(residuals.keys()), options);
  const runs = found.map((experiment): FittedRun => {
    const { residual, scaledResidual, outlier, leverage } = residuals.get(experiment.name)!;
    const { lossNats, ...run } = toRun(experiment, convention);
    return {
      experiment: experiment.name,
      ...run,
      measuredNats: lossNats,
      predictedNats: lossNats * Math.exp(residual),
      residual,
      scaledResidual,
      isOutlier: outlier,
      leverage,
    };
  });
  return { explanation, runs };
}
