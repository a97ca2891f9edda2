// What a browser loads before the first answer.

import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { answerOf, figuresOf } from './support/browser';
import { useDashboard } from './support/dashboard';
import { DASHBOARD } from './support/paths';
import { startBundledServer, STUDY } from './support/server';

const dashboard = useDashboard(startBundledServer);

test('the first page with its figures is below 250 kB', async () => {
  const page = await dashboard.open(`fraction?study=${STUDY}`);
  await answerOf(page);
  const answered = await page.evaluate(() => performance.now());
  await figuresOf(page, 2);
  const loaded = await page.evaluate(() =>
    performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname),
  );
  const assets = readdirSync(`${DASHBOARD}/assets`).filter((name) =>
    loaded.includes(`/assets/${name}`),
  );
  expect(assets.length).toBeGreaterThan(3);
  const sizes = assets.map((name) => gzipSync(readFileSync(`${DASHBOARD}/assets/${name}`)).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(
    `the first page is ${Math.round(total / 1000)} kB in ${assets.length} files; ` +
      `the first answer shows after ${Math.round(answered)} ms`,
  );
  expect(total).toBeLessThan(250_000);
});
