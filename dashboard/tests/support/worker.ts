// A worker under the test's control: it leases, reports and ends jobs when told to.

import type { Server } from './server';

export const TRAINER = 'letters';

interface LeasedJob {
  name: string;
  attempt: number;
  training: { seed?: number; schedule: { fpTokens: string } };
}

async function call<Reply>(server: Server, method: string, request: object): Promise<Reply> {
  const reply = await fetch(`${server.url}bitbudget.v1.JobService/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (!reply.ok) throw new Error(`${method}: ${await reply.text()}`);
  return (await reply.json()) as Reply;
}

/** A job in the hands of a worker. */
export class Training {
  #tokens = 0;

  private constructor(
    private readonly server: Server,
    readonly job: LeasedJob,
  ) {}

  /** Leases the next job of a study for as many seconds. */
  static async lease(server: Server, study: string, worker: string, seconds = 60) {
    const { job } = await call<{ job?: LeasedJob }>(server, 'LeaseJob', {
      parent: `studies/${study}`,
      worker,
      capabilities: { trainers: [TRAINER] },
      lease: `${seconds}s`,
      wait: '5s',
    });
    if (!job) throw new Error(`no job for ${worker}`);
    return new Training(server, job);
  }

  /** "12". */
  get id(): string {
    return this.job.name.split('/').at(-1)!;
  }

  private get attempt() {
    return { name: this.job.name, attempt: this.job.attempt };
  }

  /** Reports so many points, 500 tokens apart, of a loss that falls. */
  async report(count: number): Promise<void> {
    const points = Array.from({ length: count }, () => {
      this.#tokens += 500;
      const lossNats = 1.5 + 2 * Math.exp(-this.#tokens / 8000);
      return { tokens: this.#tokens, lossNats, learningRate: 0.01, tokensPerSecond: 5000 };
    });
    await call(this.server, 'ReportProgress', { ...this.attempt, points });
  }

  async complete(lossNats: number): Promise<void> {
    const { schedule, seed = 0 } = this.job.training;
    const experiment = {
      parameters: 1024,
      fpTokens: schedule.fpTokens,
      weightBits: 16,
      replicate: seed,
      lossNats,
    };
    await call(this.server, 'CompleteJob', { ...this.attempt, experiment });
  }

  async fail(kind: 'TRANSIENT' | 'INVALID' | 'DIVERGED', message: string): Promise<void> {
    await call(this.server, 'FailJob', { ...this.attempt, failure: { kind, message } });
  }
}

/** Queues a job of its own. */
export async function createJob(
  server: Server,
  study: string,
  job: { trainer: string; fpTokens: number },
): Promise<void> {
  const training = {
    model: { parameters: 1024 },
    schedule: { peakRate: 0.5, fpTokens: job.fpTokens },
  };
  await call(server, 'CreateJob', {
    parent: `studies/${study}`,
    job: { trainer: job.trainer, training },
  });
}
