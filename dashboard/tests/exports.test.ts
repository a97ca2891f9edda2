// What one takes away: rows, drawings, the plan.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { answerOf, download, downloadLines, figuresOf } from './support/browser';
import { useDashboard } from './support/dashboard';
import { ANSWER_PAGES } from './support/pages';
import { startBundledServer, STUDY } from './support/server';

const dashboard = useDashboard(startBundledServer);

/** Whether the text is one XML document, as the browser reads it. */
function isXml(page: Page, text: string): Promise<boolean> {
  return page.evaluate(
    (xml) =>
      new DOMParser().parseFromString(xml, 'image/svg+xml').querySelector('parsererror') === null,
    text,
  );
}

test.each(ANSWER_PAGES)(
  '$id hands out its rows and its drawings',
  async ({ id, query = '', figures }) => {
    const page = await dashboard.open(`${id}?study=${STUDY}${query}`);
    await figuresOf(page, Object.keys(figures).length);
    for (const [name, columns] of Object.entries(figures)) {
      const figure = page.locator(`[data-figure=${name}]`);
      const [header, ...rows] = await downloadLines(figure, 'CSV');
      expect(header).toBe(columns);
      expect(await figure.locator('.rows summary').innerText()).toBe(`Rows (${rows.length})`);
      for (const row of rows) expect(row.split(',')).toHaveLength(columns.split(',').length);

      const svg = await download(figure, 'SVG');
      expect(await isXml(page, svg)).toBe(true);
      expect(svg).toContain(`<title>${await figure.locator('h2').innerText()}</title>`);
      expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
    }
  },
);

test('the rows can be read on the page', async () => {
  const page = await dashboard.open(`waste?study=${STUDY}`);
  await figuresOf(page, 1);
  await page.locator('[data-figure=waste] .rows summary').click();
  const table = page.getByRole('region', { name: 'Tokens wasted by 10 % QAT' });
  await table.waitFor();
  expect(await table.locator('tbody tr').count()).toBe(120);
});

test('the plan can be taken away as a document', async () => {
  const page = await dashboard.open(`plan?study=${STUDY}`);
  await answerOf(page);
  const plan = await download(page, 'Plan as a document');
  expect(plan).toMatch(/^# Training plan\n\nAsked for: 2M tokens, 55\.3k parameters\.\n/);
  for (const section of ['Schedule', 'Memory', 'Widths compared', 'Where this comes from']) {
    expect(plan).toContain(`\n## ${section}\n`);
  }
  expect(plan).toContain('- From compute_optimal_qat (no_irreducible), fit 1, revision 1.');
});
