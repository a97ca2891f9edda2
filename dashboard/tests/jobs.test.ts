// The page Jobs: trainings as they go on, go wrong and end.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { download, downloadLines, figuresOf, inspect, VIEWS } from './support/browser';
import { useDashboard } from './support/dashboard';
import { REPOSITORY } from './support/paths';
import { startServer } from './support/server';
import { createJob, Training, TRAINER } from './support/worker';

const dashboard = useDashboard(startServer);

/** A campaign of as many jobs of 20,000 tokens. */
function createCampaign(study: string, campaign: string, jobCount: number): void {
  const grid = {
    title: 'a night of letters',
    trainer: TRAINER,
    separate_runs: true,
    training: { schedule: { peak_rate: 0.5 } },
    grids: [
      {
        models: [{ shape: { parameters: 1024 } }],
        total_tokens: [20_000],
        full_precision: true,
        replicates: jobCount,
      },
    ],
  };
  const file = join(dashboard.server.folder, `${study}.json`);
  writeFileSync(file, JSON.stringify(grid));
  dashboard.server.bitbudget('campaign', 'create', campaign, '--study', study, '--grid', file);
}

/** A study with such a campaign, called night. */
function startCampaign(study: string, jobCount: number): void {
  dashboard.server.bitbudget('study', 'create', study);
  createCampaign(study, 'night', jobCount);
}

const lease = (study: string, worker: string, seconds?: number) =>
  Training.lease(dashboard.server, study, worker, seconds);

const rowOf = (page: Page, id: string) =>
  page.getByRole('region', { name: 'Jobs', exact: true }).locator('tbody tr', {
    has: page.getByRole('button', { name: id, exact: true }),
  });

/** Waits until the curves together have as many points. */
const curvesHave = (page: Page, pointCount: number) =>
  page
    .locator('[data-figure=learning-curves] .rows summary', { hasText: `Rows (${pointCount})` })
    .waitFor();

test.each(VIEWS)('a study without jobs says where from, at $width, $theme', async (view) => {
  dashboard.server.bitbudget('study', 'create', `idle-${view.name}`);
  const fragment = `jobs?study=idle-${view.name}`;
  const page = await dashboard.open(fragment, view);
  await page.getByText('bitbudget campaign create').waitFor();
  await inspect(page, `jobs-none-${view.name}`);
});

test('every state of a job is shown with its reason', async () => {
  const study = 'states';
  startCampaign(study, 7);
  const lost = await lease(study, 'sleepy', 5);
  await lost.report(6);
  const done = await lease(study, 'node-1');
  await done.report(40);
  await done.complete(1.7);
  const failed = await lease(study, 'node-1');
  await failed.fail('DIVERGED', 'the loss is not finite at 300 tokens');
  const leased = await lease(study, 'node-2');
  const running = await lease(study, 'node-1');
  await running.report(12);

  const fragment = `jobs?study=${study}&campaign=night&job=${failed.id}`;
  const page = await dashboard.open(fragment);
  await rowOf(page, lost.id).getByText('lost', { exact: true }).waitFor();
  expect(await rowOf(page, lost.id).innerText()).toMatch(/1, 1 lost\s+sleepy\s+15 %/);
  expect(await rowOf(page, done.id).innerText()).toMatch(/succeeded\s+measurement.*100 %/s);
  expect(await rowOf(page, failed.id).innerText()).toMatch(
    /failed\s.*diverged at attempt 1 on node-1: the loss is not finite at 300 tokens/s,
  );
  expect(await rowOf(page, leased.id).innerText()).toMatch(/leased\s/);
  expect(await rowOf(page, running.id).innerText()).toMatch(/running\s.*30 %\s+2\.\d{4}/s);
  const table = page.getByRole('region', { name: 'Jobs', exact: true });
  expect(await table.locator('thead th').allInnerTexts()).toContain('Train loss');
  const isCut = await rowOf(page, running.id)
    .locator('td', { hasText: 'seed' })
    .evaluate((cell) => cell.scrollWidth > cell.clientWidth);
  expect(isCut).toBe(false);
  const campaign = page.getByRole('region', { name: 'Campaign' });
  expect(await campaign.innerText()).toContain(
    '1 of 7 jobs done, 14.3 % of the FLOPs; 1 running, 1 leased, 1 lost, 1 failed, 2 queued, ' +
      '1 succeeded. Under way.',
  );
  const details = page.getByRole('region', { name: `Job ${failed.id}` });
  expect(await details.innerText()).toContain('Last failure: diverged at attempt 1 on node-1');

  for (const view of VIEWS) {
    const seen = await dashboard.open(fragment, view);
    expect(await figuresOf(seen, 2)).toEqual(['timeline', 'learning-curves']);
    await seen.locator('.u-over').waitFor();
    await inspect(seen, `jobs-${view.name}`);
    await seen.close();
  }
});

test('curves grow while one looks; zoom and choice stay', async () => {
  const study = 'growing';
  startCampaign(study, 3);
  const first = await lease(study, 'node-1');
  await first.report(10);
  const page = await dashboard.open(`jobs?study=${study}&campaign=night`);
  await page.locator('.u-over').waitFor();
  await curvesHave(page, 10);
  const figure = page.locator('[data-figure=learning-curves]');
  await figure.getByRole('button', { name: 'Zoom in' }).click();
  await page.waitForURL(/learning-curves\.zoom=/);
  await rowOf(page, first.id).getByRole('checkbox').focus();
  const zoomed = page.url();

  await first.report(5);
  await curvesHave(page, 15);
  const second = await lease(study, 'node-2');
  await second.report(7);
  await curvesHave(page, 22);
  expect(page.url()).toBe(zoomed);
  expect(await rowOf(page, first.id).getByRole('checkbox').isChecked()).toBe(true);
  expect(await rowOf(page, second.id).getByRole('checkbox').isChecked()).toBe(true);

  // Dragging selects what to see.
  await figure.scrollIntoViewIfNeeded();
  const plot = (await page.locator('.u-over').boundingBox())!;
  await page.mouse.move(plot.x + 0.3 * plot.width, plot.y + 50);
  await page.mouse.down();
  await page.mouse.move(plot.x + 0.6 * plot.width, plot.y + 50, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL((url) => url.href !== zoomed);
  await figure.getByRole('button', { name: 'All' }).click();
  await page.waitForURL((url) => !url.href.includes('zoom'));

  // A job that has ended keeps its curve if the reader has chosen it.
  await rowOf(page, second.id).getByRole('checkbox').uncheck();
  await page.waitForURL(new RegExp(`jobs=${first.id}`));
  await first.report(25);
  await first.complete(1.66);
  await rowOf(page, first.id).getByText('succeeded').waitFor();
  await curvesHave(page, 40);
  const [header, ...rows] = await downloadLines(figure, 'CSV');
  expect(header).toBe('job,label,tokens,loss_nats,learning_rate,tokens_per_second');
  expect(rows).toHaveLength(40);
  const svg = await download(figure, 'SVG');
  expect(svg).toContain('<title>Learning curves</title>');
  await page.locator('.news', { hasText: '1 run,' }).waitFor();
});

test('jobs are cancelled and tried again', async () => {
  const study = 'changed';
  startCampaign(study, 2);
  const job = await lease(study, 'node-1');
  const page = await dashboard.open(`jobs?study=${study}&campaign=night`);
  await rowOf(page, job.id).getByRole('button').click();
  const details = page.getByRole('region', { name: `Job ${job.id}` });
  await details.getByRole('button', { name: 'Cancel' }).click();
  await rowOf(page, job.id).getByText('cancelled', { exact: true }).waitFor();
  await details.getByRole('button', { name: 'Retry' }).click();
  await rowOf(page, job.id).getByText('queued', { exact: true }).waitFor();

  const again = await lease(study, 'node-1');
  await again.fail('INVALID', 'the data are too short');
  await rowOf(page, again.id).getByText('failed', { exact: true }).waitFor();
  const campaign = page.getByRole('region', { name: 'Campaign' });
  await campaign.getByRole('button', { name: 'Retry failed jobs' }).click();
  await rowOf(page, again.id).getByText('queued', { exact: true }).waitFor();

  await campaign.getByRole('button', { name: 'Cancel campaign' }).click();
  await campaign.getByText('Ended.').waitFor();
  expect(await campaign.innerText()).toContain('2 cancelled');
});

test('a campaign made meanwhile can be chosen', async () => {
  const study = 'meanwhile';
  startCampaign(study, 1);
  const page = await dashboard.open(`jobs?study=${study}&campaign=night`);
  await rowOf(page, '1').getByText('queued', { exact: true }).waitFor();
  createCampaign(study, 'day', 2);
  const picker = page.getByRole('combobox', { name: 'Campaign' });
  await picker.focus();
  await picker.locator('option[value=day]').waitFor({ state: 'attached' });
  await picker.selectOption('day');
  await rowOf(page, '3').getByText('queued', { exact: true }).waitFor();
});

test("a trainer of one's own is watched to its end", async () => {
  const study = 'bigrams';
  dashboard.server.bitbudget('study', 'create', study);
  await createJob(dashboard.server, study, { trainer: 'bigram', fpTokens: 150_000 });
  const page = await dashboard.open(`jobs?study=${study}`);
  await rowOf(page, '1').getByText('queued', { exact: true }).waitFor();
  const worker = spawn(`${REPOSITORY}worker/examples/lease_loop.py`, [
    dashboard.server.address,
    `${REPOSITORY}README.md`,
  ]);
  try {
    await rowOf(page, '1').getByText('running', { exact: true }).waitFor();
    await page.locator('.u-over').waitFor();
    await rowOf(page, '1').getByText('succeeded', { exact: true }).waitFor({ timeout: 80_000 });
    await curvesHave(page, 150);
    expect(await rowOf(page, '1').innerText()).toMatch(/example\s+100 %\s+2\.\d{4}/);
    await rowOf(page, '1').getByRole('button').click();
    const details = page.getByRole('region', { name: 'Job 1' });
    expect(await details.innerText()).toMatch(/Experiment\s+1/);
  } finally {
    worker.kill();
  }
}, 120_000);

test('a page that nobody sees holds no stream, and catches up when it is seen', async () => {
  const study = 'unseen';
  startCampaign(study, 1);
  const page = await dashboard.open(`jobs?study=${study}&campaign=night`);
  const open = new Set<string>();
  page.on('request', (request) => {
    if (request.url().includes('/Watch')) open.add(request.url());
  });
  page.on('requestfailed', (request) => open.delete(request.url()));
  await page.reload();
  await rowOf(page, '1').getByText('queued', { exact: true }).waitFor();
  expect([...open].map((url) => url.split('/').at(-1)).sort()).toEqual([
    'WatchCampaign',
    'WatchFits',
    'WatchJobs',
  ]);
  const turn = (state: string) =>
    page.evaluate((visibilityState) => {
      Object.defineProperty(document, 'visibilityState', {
        value: visibilityState,
        configurable: true,
      });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);

  await turn('hidden');
  await expect.poll(() => open.size).toBe(0);
  const job = await lease(study, 'node-1');
  await job.report(40);
  await job.complete(1.9);
  await turn('visible');
  await rowOf(page, job.id).getByText('succeeded', { exact: true }).waitFor();
  await page.locator('.news', { hasText: '1 run,' }).waitFor();
});

test('a lost connection is mended, and the jobs are those of the server again', async () => {
  const study = 'mended';
  startCampaign(study, 2);
  const job = await lease(study, 'node-1');
  await job.report(3);
  const page = await dashboard.open(`jobs?study=${study}`);
  await rowOf(page, job.id).getByText('running', { exact: true }).waitFor();
  await dashboard.server.stop();
  await page.locator('.connection .lost').waitFor();
  expect(await rowOf(page, job.id).innerText()).toMatch(/running/);
  await dashboard.server.start();
  await page.locator('.connection .mended').waitFor();
  await job.report(37);
  await job.complete(1.8);
  await rowOf(page, job.id).getByText('succeeded', { exact: true }).waitFor();
});
