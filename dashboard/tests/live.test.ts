// News while one looks: they come by themselves and undo nothing.

import { describe, expect, test } from 'vitest';

import { answerOf, figuresOf, inspect } from './support/browser';
import { useDashboard } from './support/dashboard';
import { SCREENSHOTS } from './support/paths';
import { bundledRows, startServer } from './support/server';

const dashboard = useDashboard(startServer);

/** The bundled runs in two halves: every second one later. */
const [HEADER, ...ROWS] = bundledRows();
const FIRST = [HEADER!, ...ROWS.filter((_, index) => index % 2 === 0)];
const LATER = [HEADER!, ...ROWS.filter((_, index) => index % 2 === 1)];

/** A study of the first half. */
function startStudy(study: string): void {
  dashboard.server.createStudy(study);
  dashboard.server.importRows(study, FIRST);
}

test('a new fit shows without a touch, and zoom, scroll, focus and text stay', async () => {
  const study = 'moving';
  startStudy(study);
  const page = await dashboard.open(`fraction?study=${study}`);
  const before = await answerOf(page);
  await figuresOf(page, 2);
  const figure = page.locator('[data-figure=best-fraction]');
  await figure.scrollIntoViewIfNeeded();
  const ticksOf = () => figure.locator('[data-part="x-axis tick label"]').allTextContents();
  const whole = await ticksOf();
  const plot = (await figure.locator('.brush').boundingBox())!;
  await page.mouse.move(plot.x + 0.4 * plot.width, plot.y + 150);
  await page.mouse.down();
  await page.mouse.move(plot.x + 0.7 * plot.width, plot.y + 150);
  await page.mouse.up();
  await page.waitForFunction(() => location.hash.includes('best-fraction.zoom'));
  const zoomed = page.url();
  // The address tells of the zoom before the figure is drawn anew.
  await expect.poll(ticksOf).not.toEqual(whole);
  const ticks = await ticksOf();
  await figure.locator('.rows summary').click();
  await page.getByLabel('Your split').focus();
  const scroll = await page.evaluate(() => scrollY);

  dashboard.server.importRows(study, LATER);
  await page.locator('.news', { hasText: 'fit 2' }).waitFor();
  await page.locator('.provenance', { hasText: 'fit 2, revision 2' }).waitFor();
  await page.waitForTimeout(500);
  expect(await answerOf(page)).not.toBe(before);
  expect(await page.locator('.news').innerText()).toContain('761 runs');
  expect(await page.locator('.news').innerText()).toMatch(/last updated \d+ s ago/);

  expect(page.url()).toBe(zoomed);
  expect(await ticksOf()).toEqual(ticks);
  expect(await figure.locator('.rows table').isVisible()).toBe(true);
  expect(await page.evaluate(() => scrollY)).toBe(scroll);
  expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe(
    'callerFraction',
  );
});

test('a lost connection is said, and mended when the server is back', async () => {
  const study = 'mended';
  startStudy(study);
  const page = await dashboard.open(`fraction?study=${study}`);
  const before = await answerOf(page);
  await dashboard.server.stop();
  await page.locator('.connection .lost').waitFor();
  expect(await answerOf(page)).toBe(before);
  await page.screenshot({ path: `${SCREENSHOTS}/connection-lost.png` });
  // Typed meanwhile; to be answered afterwards.
  await page.getByLabel('Bits per weight').fill('4');

  await dashboard.server.start();
  await page.locator('.connection .mended').waitFor();
  await page.locator('.answer .value', { hasNotText: before }).waitFor();
  await page.locator('.connection p').waitFor({ state: 'detached' });
  // News come again.
  dashboard.server.importRows(study, LATER);
  await page.locator('.provenance', { hasText: 'revision 2' }).waitFor();
});

describe('a server without a study', () => {
  const empty = useDashboard(startServer);

  test('says how to make one, and shows it once it is there', async () => {
    const page = await empty.open('law', { width: 390, theme: 'light' });
    await page.getByText('bitbudget study create').waitFor();
    await inspect(page, 'no-study');

    empty.server.createStudy('first');
    await page.getByLabel('Study').waitFor();
    expect(await page.getByLabel('Study').inputValue()).toBe('first');
  });
});
