// The page Experiments: browsing, files, exclusions; also with a hundred thousand runs.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { download, downloadLines, inspect, VIEWS, type View } from './support/browser';
import { useDashboard } from './support/dashboard';
import { bundledRows, startBundledServer, STUDY } from './support/server';

const HEADER = 'parameters,fp_tokens,qat_tokens,weight_bits,loss_nats';

const dashboard = useDashboard(startBundledServer);

const tableOf = (page: Page) => page.getByRole('region', { name: 'Runs', exact: true });
const rowsOf = (page: Page) => tableOf(page).locator('tbody tr');

/** Imports without waiting for a fit, which few rows do not have. */
function store(study: string, rows: readonly string[]): void {
  const file = join(dashboard.server.folder, `${study}.csv`);
  writeFileSync(file, rows.join('\n') + '\n');
  dashboard.server.bitbudget('experiments', 'import', '--study', study, file);
}

/** The texts of a column, by its heading. */
async function column(page: Page, heading: string): Promise<string[]> {
  const headings = await tableOf(page).locator('thead tr > *').allInnerTexts();
  const index = headings.findIndex((text) => text.replace(/ [↑↓]$/, '') === heading);
  return rowsOf(page)
    .locator(`td:nth-child(${index + 1})`)
    .allInnerTexts();
}

async function openTable(query: string, view?: View): Promise<Page> {
  const page = await dashboard.open(`experiments?${query}`, view);
  await rowsOf(page).first().waitFor();
  return page;
}

describe('the bundled study', () => {
  test.each(VIEWS)('is browsed at $width pixels, $theme', async (view) => {
    const page = await openTable(`study=${STUDY}`, view);
    expect(await rowsOf(page).count()).toBe(100);
    await inspect(page, `experiments-${view.name}`);
  });

  test('is filtered and ordered by the server, as the link says', async () => {
    const page = await openTable(`study=${STUDY}&bits=2&order=loss&role=FP_THEN_QAT`);
    expect(new Set(await column(page, 'Bits'))).toEqual(new Set(['2']));
    const losses = (await column(page, 'Loss, nats')).map(Number);
    expect(losses).toEqual([...losses].sort((a, b) => a - b));

    await tableOf(page).getByRole('button', { name: 'Loss, nats' }).click();
    await page.waitForURL(/descending/);
    await page.waitForFunction(
      (least) => document.querySelector('tbody td:nth-child(7)')?.textContent !== least,
      String(losses[0]),
    );
    const falling = (await column(page, 'Loss, nats')).map(Number);
    expect(falling).toEqual([...falling].sort((a, b) => b - a));
    expect(falling[0]).toBeGreaterThan(losses.at(-1)!);
  });

  test('is paged forward and back', async () => {
    const page = await openTable(`study=${STUDY}`);
    const first = await column(page, 'Run');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Runs 101 to 200').waitFor();
    await page.waitForFunction(
      (run) => document.querySelector('tbody td:nth-child(2)')?.textContent !== run,
      first[0],
    );
    const second = await column(page, 'Run');
    expect(new Set([...first, ...second]).size).toBe(200);

    // The page can be shared.
    const shared = await dashboard.openLinkOf(page);
    await shared.getByText('Runs 101 to 200').waitFor();
    await rowsOf(shared).first().waitFor();
    expect(await column(shared, 'Run')).toEqual(second);

    await page.getByRole('button', { name: 'Previous' }).click();
    await page.getByText('Runs 1 to 100').waitFor();
  });

  test('is handed out as the command line does', async () => {
    const page = await openTable(`study=${STUDY}&bits=3`);
    const csv = await download(page, 'CSV of all that match');
    const expected = dashboard.server.bitbudget(
      ...['experiments', 'export', '--study', STUDY, '--weight-bits', '3'],
    );
    expect(csv).toBe(expected);
  });

  test('says what is wrong with a filter beside it', async () => {
    const page = await openTable(`study=${STUDY}`);
    const field = page.getByLabel('Tokens, at least');
    await field.fill('many');
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    expect(await page.locator('.problem').innerText()).toContain("'many' is not a number");
  });
});

describe('a file', () => {
  const SCRATCH = 'dropped';
  let page: Page;

  beforeAll(() => dashboard.server.createStudy(SCRATCH));

  beforeEach(async () => {
    page = await dashboard.open(`experiments?study=${SCRATCH}`);
    await page.getByText('Drop a CSV file').waitFor();
  });

  function drop(name: string, content: string): Promise<void> {
    return page.evaluate(
      ([fileName, text]) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([text!], fileName!, { type: 'text/csv' }));
        document
          .querySelector('.drop')!
          .dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
      },
      [name, content],
    );
  }

  const problems = () =>
    page.getByRole('region', { name: 'What is wrong' }).locator('tbody tr').allInnerTexts();

  test('with wrong cells is refused by line and field, and nothing is stored', async () => {
    await drop('bad.csv', `${HEADER}\n1M,1e9,0,16,2.5\n1.5,x,0,16,\n`);
    await page.getByText('bad.csv: 3 problems').waitFor();
    const [first, second, third] = await problems();
    expect(first).toMatch(/^3\s+parameters\s+'1\.5' is not a whole number/);
    expect(second).toMatch(/^3\s+fp_tokens\s+'x' is not a number/);
    expect(third).toMatch(/^3\s+loss_nats\s+is empty$/);
    expect(await page.getByRole('button', { name: 'Import' }).count()).toBe(0);
    await inspect(page, 'import-problems');
  });

  test('that breaks rules of the server is refused by line and field too', async () => {
    await drop('rules.csv', `${HEADER}\n1M,1e9,0,16,2.5\n1M,1e9,0,4000,2.5\n`);
    await page.getByRole('button', { name: 'Import' }).click();
    await page.getByText('0 stored, 0 unchanged, the rest not').waitFor();
    expect((await problems())[0]).toMatch(/^3\s+weight_bits\s+is 4000/);
  });

  test('is stored when told so, and changes nothing when it comes again', async () => {
    const file = join(dashboard.server.folder, 'three.csv');
    writeFileSync(file, `${HEADER}\n1M,1e9,0,16,2.5\n1M,2e9,0,16,2.4\n1M,4e9,0,16,2.3\n`);
    await page.getByLabel('Drop a CSV file').setInputFiles(file);
    await page.getByText('three.csv: 3 runs, nothing wrong so far.').waitFor();
    await page.getByRole('button', { name: 'Import' }).click();
    await page.getByText('three.csv: 3 stored, 0 unchanged; revision 1.').waitFor();
    await rowsOf(page).nth(2).waitFor();
    await page.locator('.news', { hasText: '3 runs' }).waitFor();

    await page.getByLabel('Drop a CSV file').setInputFiles(file);
    await page.getByRole('button', { name: 'Import' }).click();
    await page.getByText('three.csv: 0 stored, 3 unchanged; revision 1.').waitFor();

    await drop('other.csv', `${HEADER}\n1M,1e9,0,16,2.6\n`);
    await page.getByRole('button', { name: 'Import' }).click();
    await page.getByText('0 stored, 0 unchanged, the rest not').waitFor();
    expect((await problems())[0]).toMatch(/^2\s+loss_nats\s+differs from the stored run/);
  });
});

test('runs are excluded with a reason, and taken back', async () => {
  const study = 'excluded';
  dashboard.server.createStudy(study);
  store(study, bundledRows().slice(0, 6));
  const page = await openTable(`study=${study}`);
  await page.getByLabel('Choose run 2').check();
  await page.getByLabel('Choose run 4').check();
  const chosen = page.getByRole('group', { name: 'Chosen runs' });
  expect(await chosen.innerText()).toContain('2 runs chosen');
  expect(await chosen.getByRole('button', { name: 'Exclude' }).isEnabled()).toBe(false);
  await chosen.getByLabel('Reason').fill('the disk was full');
  await chosen.getByRole('button', { name: 'Exclude' }).click();
  await page.locator('tr.excluded').nth(1).waitFor();
  expect(await page.locator('tr.excluded').first().innerText()).toContain(
    'excluded: the disk was full',
  );
  expect(
    dashboard.server.bitbudget('experiments', 'export', '--study', study).trimEnd().split('\n'),
  ).toHaveLength(4);
  await inspect(page, 'experiments-excluded');

  await page.getByLabel('Excluded runs').selectOption('EXCLUDED');
  await page.getByText('Runs 1 to 2').waitFor();
  await page.getByLabel('Choose all runs of this page').check();
  await chosen.getByLabel('Reason').fill('it was not');
  await chosen.getByRole('button', { name: 'Include' }).click();
  await page.getByText('No runs match.').waitFor();
});

test('a batch is excluded as a whole', async () => {
  const study = 'batches';
  dashboard.server.createStudy(study);
  store(study, bundledRows().slice(0, 151));
  const page = await openTable(`study=${study}&batch=${study}.csv`);
  const whole = page.getByRole('group', { name: 'Chosen runs' });
  expect(await whole.innerText()).toContain(`All runs of ${study}.csv`);
  await whole.getByLabel('Reason').fill('another tokenizer');
  await whole.getByRole('button', { name: 'Exclude' }).click();
  await page.locator('.news', { hasText: /^0 runs/ }).waitFor();
  await page.locator('tr.excluded').nth(99).waitFor();
});

test('choice, scroll and place outlive the news', async () => {
  const study = 'growing';
  dashboard.server.createStudy(study);
  dashboard.server.importRows(study, bundledRows().slice(0, 301));
  const page = await openTable(`study=${study}`);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Runs 101 to 200').waitFor();
  const box = page.getByLabel('Choose run 150');
  await box.check();
  const scrolled = await tableOf(page).evaluate((table) => (table.scrollTop = 400));
  const place = page.url();
  dashboard.server.importRows(study, [bundledRows()[0]!, ...bundledRows().slice(301, 320)]);
  await page.locator('.news', { hasText: '319 runs' }).waitFor();
  await page.getByText('of a study of 319').waitFor();
  expect(page.url()).toBe(place);
  expect(await box.isChecked()).toBe(true);
  expect(await tableOf(page).evaluate((table) => table.scrollTop)).toBe(scrolled);
});

describe('a hundred thousand runs', () => {
  const LARGE = 'large';
  const COUNT = 100_000;
  /** Controls: no law describes them, so that no fit keeps the machine busy. */
  const row = (index: number) =>
    `${1000 + (index % 50)},${1_000_000 + index},1000,16,${2 + (index % 977) / 1000},CONTROL`;

  beforeAll(() => {
    dashboard.server.createStudy(LARGE);
    const rows = Array.from({ length: COUNT }, (_, index) => row(index));
    store(LARGE, [`${HEADER},role`, ...rows]);
  });

  /** Notes the longest time that the page was busy. */
  async function watchPauses(page: Page): Promise<() => Promise<number>> {
    await page.evaluate(() => {
      const noted = globalThis as unknown as { longest: number };
      noted.longest = 0;
      new PerformanceObserver((list) => {
        for (const task of list.getEntries()) {
          noted.longest = Math.max(noted.longest, task.duration);
        }
      }).observe({ type: 'longtask' });
    });
    return () => page.evaluate(() => (globalThis as unknown as { longest: number }).longest);
  }

  test('are browsed a page at a time', async () => {
    const page = await openTable(`study=${LARGE}`);
    await page.getByText(`Runs 1 to 100, of a study of ${COUNT}`).waitFor();
    const longestPause = await watchPauses(page);
    for (let turn = 1; turn <= 10; ++turn) {
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByText(`Runs ${100 * turn + 1} to`).waitFor();
      await tableOf(page).evaluate((table) => (table.scrollTop = table.scrollHeight));
    }
    await tableOf(page).getByRole('button', { name: 'Loss, nats' }).click();
    await page.waitForFunction(
      () => document.querySelector('tbody td:nth-child(7)')?.textContent === '2',
    );
    await tableOf(page).getByRole('button', { name: 'Loss, nats' }).click();
    await page.waitForFunction(
      () => document.querySelector('tbody td:nth-child(7)')?.textContent === '2.976',
    );
    await page.getByLabel('Parameters').fill('1007');
    await page.waitForFunction(() =>
      [...document.querySelectorAll('tbody td:nth-child(3)')].every(
        (cell) => cell.getAttribute('title') === '1007',
      ),
    );
    expect(await rowsOf(page).count()).toBe(100);
    console.log(`longest pause while browsing ${COUNT} runs: ${await longestPause()} ms`);
  });

  test('are handed out whole, the page staying alive', async () => {
    const page = await openTable(`study=${LARGE}`);
    const longestPause = await watchPauses(page);
    const lines = await downloadLines(page, 'CSV of all that match');
    expect(lines).toHaveLength(COUNT + 1);
    console.log(`longest pause while handing out ${COUNT} runs: ${await longestPause()} ms`);
  });

  test('are found unchanged when their file is dropped', async () => {
    const page = await openTable(`study=${LARGE}`);
    const longestPause = await watchPauses(page);
    await page
      .getByLabel('Drop a CSV file')
      .setInputFiles(join(dashboard.server.folder, `${LARGE}.csv`));
    await page.getByText(`large.csv: ${COUNT} runs, nothing wrong so far.`).waitFor();
    await page.getByRole('button', { name: 'Import' }).click();
    await page
      .getByText(`large.csv: 0 stored, ${COUNT} unchanged; revision 1.`)
      .waitFor({ timeout: 120_000 });
    console.log(`longest pause while importing ${COUNT} runs: ${await longestPause()} ms`);
  }, 150_000);
});
