// The page Law: the fit against its runs, and laws against each other.

import { expect, test } from 'vitest';

import { download, downloadLines, figuresOf, inspect, VIEWS } from './support/browser';
import { useDashboard } from './support/dashboard';
import { ONE_FRACTION, startBundledServer, STUDY } from './support/server';

/** Rows of the bundled study that its law describes. */
const FITTED_ROWS = 581;

const dashboard = useDashboard(startBundledServer);

test.each(VIEWS)('shows the law against its runs at $width pixels, $theme', async (view) => {
  const page = await dashboard.open(`law?study=${STUDY}`, view);
  expect((await figuresOf(page, 2)).slice(0, 2)).toEqual(['predicted', 'residuals-size']);
  for (const figure of ['predicted', 'residuals-size']) {
    const dots = page.locator(`[data-figure=${figure}] [data-part=dot] > *`);
    expect(await dots.count()).toBeGreaterThanOrEqual(FITTED_ROWS);
  }
  await inspect(page, `law-${view.name}`);
});

test('says what the data tell of each coefficient, and what they do not', async () => {
  const page = await dashboard.open(`law?study=${STUDY}`);
  const table = page.getByRole('region', { name: 'Coefficients of the law' });
  await table.waitFor();
  const rows = await table.locator('tbody tr').allInnerTexts();
  expect(rows).toHaveLength(14);
  expect(rows[0]).toMatch(/^alpha\s+1\.5\d*\s+1\.\d+ to 1\.\d+\s.*nats/);
  expect(rows[13]).toMatch(/^rho\s+0\s+at a bound$/);
  const ladder = page.getByRole('region', { name: 'Ladder' });
  expect(await ladder.locator('[aria-current]').innerText()).toMatch(/^no_irreducible taken\./);
  expect(await ladder.innerText()).toContain('full not taken.');
  await page.getByText('What the runs hardly tell').click();
  const correlated = page.getByRole('region', { name: 'Correlated coefficients' });
  expect(await correlated.innerText()).toMatch(/zeta, eta\s+-1\.000/);
});

test('residuals stand along the axis that the link names', async () => {
  const page = await dashboard.open(`law?study=${STUDY}`);
  await figuresOf(page, 2);
  await page.getByText('bits', { exact: true }).click();
  await page.locator('[data-figure=residuals-bits] svg').waitFor();
  expect(page.url()).toContain('residuals=bits');
  const ticks = page.locator('[data-figure=residuals-bits] [data-part="x-axis tick label"] text');
  expect(await ticks.allTextContents()).toEqual(['1', '2', '3', '4', '16']);
  await page.reload();
  await page.locator('[data-figure=residuals-bits] svg').waitFor();
});

test('hands out its rows and its drawings', async () => {
  const page = await dashboard.open(`law?study=${STUDY}`);
  await figuresOf(page, 2);
  const figure = page.locator('[data-figure=predicted]');
  const [header, ...rows] = await downloadLines(figure, 'CSV');
  expect(header).toBe(
    'experiment,parameters,weight_bits,fp_tokens,qat_tokens,measured_nats,predicted_nats,' +
      'residual,scaled_residual,leverage,outlier',
  );
  expect(rows).toHaveLength(FITTED_ROWS);
  const svg = await download(figure, 'SVG');
  expect(svg).toContain('<title>Predicted against measured</title>');
});

test('compares laws when asked to, and keeps the comparison', async () => {
  const page = await dashboard.open(`law?study=${STUDY}`);
  await page.getByText('have not been compared yet').waitFor();
  await page.getByRole('button', { name: 'Compare laws' }).click();
  const table = page.getByRole('region', { name: 'Comparison of laws' });
  await table.waitFor();
  const [best] = await table.locator('tbody tr').allInnerTexts();
  expect(best).toMatch(/^no_irreducible\s.*best$/s);
  await page.locator('[data-figure=held-out] svg').waitFor();

  await page.reload();
  await table.waitFor();
  await page.getByRole('button', { name: 'Compare again' }).waitFor();
  await page.locator('[data-figure=held-out]').scrollIntoViewIfNeeded();
  await inspect(page, 'law-comparison');
});

test('news of another fit keep the zoom', async () => {
  const page = await dashboard.open(`law?study=${ONE_FRACTION}`);
  await figuresOf(page, 2);
  const figure = page.locator('[data-figure=predicted]');
  await figure.getByRole('button', { name: 'Zoom in' }).click();
  await page.waitForFunction(() => location.hash.includes('predicted.zoom'));
  const zoomed = page.url();
  dashboard.server.importRows(ONE_FRACTION, [
    'parameters,fp_tokens,qat_tokens,weight_bits,loss_nats,optimizer,schedule,replicate',
    '24576,300032,0,16,2.52,adamw,fp_cooldown,77',
  ]);
  await page.locator('.provenance', { hasText: 'fit 2, revision 2' }).waitFor();
  expect(page.url()).toBe(zoomed);
  expect(await figure.getByRole('button', { name: 'All' }).isEnabled()).toBe(true);
});

test('a study without a fit says so, and what its data lack once it has some', async () => {
  dashboard.server.createStudy('unfitted');
  const page = await dashboard.open('law?study=unfitted');
  await page.getByText('The study has no fit yet.').waitFor();
  expect(() =>
    dashboard.server.importRows('unfitted', [
      'parameters,fp_tokens,qat_tokens,weight_bits,loss_nats',
      '24576,300032,0,16,2.52',
    ]),
  ).toThrow('has no fit');
  await page.getByText('The runs identify no variant of the law').waitFor();
  expect(await page.locator('.refusal').innerText()).not.toContain('the data cannot answer this');
  await inspect(page, 'law-refused');
});
