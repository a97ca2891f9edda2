// Whether the server answers. A call that finds nobody sets `lost`; from then on the
// server is asked for a sign of life until it gives one, and whatever shows answers
// asks again (`connectionCount` is part of what it depends on).

import { signal } from '@preact/signals';

import { wait } from '../rpc/wait';

export type Connection = 'up' | 'lost' | 'mended';

export const connection = signal<Connection>('up');

/** How often a connection was had; grows by one each time a lost one is mended. */
export const connectionCount = signal(1);

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;
const MENDED_NOTICE_MS = 4_000;

async function serverIsThere(): Promise<boolean> {
  try {
    return (await fetch('healthz', { cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

/** To be called when nobody answered. */
export async function connectionLost(): Promise<void> {
  if (connection.value === 'lost') return;
  connection.value = 'lost';
  for (let pause = FIRST_WAIT_MS; !(await serverIsThere());) {
    await wait(pause);
    pause = Math.min(2 * pause, LONGEST_WAIT_MS);
  }
  connection.value = 'mended';
  connectionCount.value += 1;
  await wait(MENDED_NOTICE_MS);
  if (connection.value === 'mended') connection.value = 'up';
}
