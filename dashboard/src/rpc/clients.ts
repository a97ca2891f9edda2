// The services of the server, as the contract has them (proto/bitbudget/v1).

import { createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';

import { CampaignService } from '../gen/bitbudget/v1/campaign_pb';
import { ExperimentService } from '../gen/bitbudget/v1/experiment_pb';
import { FitService } from '../gen/bitbudget/v1/fit_pb';
import { JobService } from '../gen/bitbudget/v1/job_pb';
import { PlannerService } from '../gen/bitbudget/v1/planner_pb';
import { StudyService } from '../gen/bitbudget/v1/study_pb';
import { connectionLost } from '../state/connection';
import { isUnreachable } from './refusal';

const noticeLostConnection: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    if (isUnreachable(error)) void connectionLost();
    throw error;
  }
};

const transport = createConnectTransport({
  baseUrl: new URL('.', location.href).href,
  defaultTimeoutMs: 60_000,
  interceptors: [noticeLostConnection],
});

export const studies = createClient(StudyService, transport);
export const fits = createClient(FitService, transport);
export const planner = createClient(PlannerService, transport);
export const experiments = createClient(ExperimentService, transport);
export const jobs = createClient(JobService, transport);
export const campaigns = createClient(CampaignService, transport);
