// What one takes away: rows, drawings, the plan.

import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { answerOf, download, figuresOf } from './support/browser';
import { useDashboard } from './support/dashboard';
import { startBundledServer, STUDY } from './support/server';

const dashboard = useDashboard(startBundledServer);

const FIGURES: [page: string, figures: [name: string, columns: string][]][] = [
  [
    'fraction',
    [
      [
        'best-fraction',
        'source,parameters,weight_bits,total_tokens,tokens_per_parameter_byte,qat_fraction,lower,upper',
      ],
      ['loss-by-fraction', 'source,total_tokens,qat_fraction,loss_nats'],
    ],
  ],
  [
    'plan',
    [
      [
        'widths',
        'width,parameters,qat_fraction,memory_bytes,loss_nats,lower,upper,probability_best,is_best',
      ],
      ['memory', 'width,item,bytes'],
      ['schedule', 'phase,step,learning_rate'],
    ],
  ],
  ['surface', [['surface', 'fp_tokens,qat_tokens,loss_nats,inside_data']]],
  ['waste', [['waste', 'weight_bits,total_tokens,wasted_token_fraction,lower,upper']]],
  [
    'full-precision',
    [
      ['full-precision-plane', 'parameters,total_tokens,weight_bits,perplexity_difference'],
      [
        'full-precision-curves',
        'parameters,weight_bits,total_tokens,perplexity_difference,lower,upper',
      ],
    ],
  ],
  [
    'bits',
    [
      [
        'best-width',
        'memory_bytes,compute_flops,best_weight_bits,loss_nats,probability_1_bits,' +
          'probability_2_bits,probability_3_bits,probability_4_bits',
      ],
      ['width-probability', 'memory,memory_bytes,weight_bits,probability_best'],
    ],
  ],
];

/** Whether the text is one XML document, as the browser reads it. */
function isXml(page: Page, text: string): Promise<boolean> {
  return page.evaluate(
    (xml) =>
      new DOMParser().parseFromString(xml, 'image/svg+xml').querySelector('parsererror') === null,
    text,
  );
}

describe.each(FIGURES)('%s', (id, figures) => {
  test('hands out its rows and its drawings', async () => {
    const page = await dashboard.open(`${id}?study=${STUDY}`);
    await answerOf(page);
    await figuresOf(page, figures.length);
    for (const [name, columns] of figures) {
      const figure = page.locator(`[data-figure=${name}]`);
      const csv = await download(figure, 'CSV');
      const [header, ...rows] = csv.trimEnd().split('\n');
      expect(header).toBe(columns);
      expect(await figure.locator('.rows summary').innerText()).toBe(`Rows (${rows.length})`);
      for (const row of rows) expect(row.split(',')).toHaveLength(columns.split(',').length);

      const svg = await download(figure, 'SVG');
      expect(await isXml(page, svg)).toBe(true);
      expect(svg).toContain(`<title>${await figure.locator('h2').innerText()}</title>`);
      expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
    }
  });
});

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
