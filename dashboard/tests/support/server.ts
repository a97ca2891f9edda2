// A server of one's own, on free ports, with a database in a folder that goes with it.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DASHBOARD, DATA, PROGRAMS } from './paths';

/** The study of the bundled runs. */
export const STUDY = 'micro-prototype';

/** The same with the runs near one QAT fraction alone: no best fraction follows from them. */
export const ONE_FRACTION = 'one-fraction';

const LISTENING = /^bitbudget-server listening on (\S+)$/m;
const HTTP = /^bitbudget-server dashboard at http:\/\/(\S+?)\/$/m;

export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), 'bitbudget-dashboard-'));
  #process: ChildProcess | undefined;
  #grpc = '127.0.0.1:0';
  #http = '127.0.0.1:0';

  /** Where the page is. */
  get url(): string {
    return `http://${this.#http}/`;
  }

  /** Where gRPC is served. */
  get address(): string {
    return this.#grpc;
  }

  /** Starts it; after a stop at the addresses that it had. */
  async start(): Promise<void> {
    const child = spawn(
      `${PROGRAMS}/bitbudget-server`,
      [
        ...['--database', join(this.folder, 'test.db')],
        ...['--listen', this.#grpc, '--http', this.#http, '--dashboard', DASHBOARD],
        ...['--log-level', 'error'],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#process = child;
    const [grpc, http] = await new Promise<[string, string]>((resolve, reject) => {
      let said = '';
      child.stdout!.on('data', (text) => {
        said += text;
        const addresses = [LISTENING.exec(said)?.[1], HTTP.exec(said)?.[1]] as const;
        if (addresses[0] && addresses[1]) resolve([addresses[0], addresses[1]]);
      });
      child.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
    this.#grpc = grpc;
    this.#http = http;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    this.#process = undefined;
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Runs the command line; returns what it prints. */
  bitbudget(...arguments_: string[]): string {
    return execFileSync(`${PROGRAMS}/bitbudget`, ['--server', this.#grpc, ...arguments_], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Imports rows (with a header) and waits for the fit. */
  importRows(study: string, rows: readonly string[]): void {
    const file = join(this.folder, 'rows.csv');
    writeFileSync(file, rows.join('\n') + '\n');
    this.bitbudget('experiments', 'import', '--study', study, file, '--wait');
  }

  createStudy(study: string): void {
    this.bitbudget('study', 'create', study, '--definition', `${DATA}/study.json`);
  }
}

/** The bundled runs, the header first. */
export function bundledRows(): string[] {
  return readFileSync(`${DATA}/experiments.csv`, 'utf8').trimEnd().split('\n');
}

function isNearOneFraction(row: string): boolean {
  const [, fp, qat] = row.split(',').map(Number);
  const fraction = qat! / (fp! + qat!);
  return fraction === 0 || (fraction > 0.11 && fraction < 0.13);
}

/** A server without a study. */
export async function startServer(): Promise<Server> {
  const server = new Server();
  await server.start();
  return server;
}

/** A server that knows the bundled study, and one that cannot answer. */
export async function startBundledServer(): Promise<Server> {
  const server = await startServer();
  const [header, ...rows] = bundledRows();
  server.createStudy(STUDY);
  server.importRows(STUDY, [header!, ...rows]);
  server.createStudy(ONE_FRACTION);
  server.importRows(ONE_FRACTION, [header!, ...rows.filter(isNearOneFraction)]);
  return server;
}
