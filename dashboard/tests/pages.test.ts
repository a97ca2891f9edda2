// Every page, in both themes and at both widths: it answers, draws, can be read by everyone.

import { describe, expect, test } from 'vitest';

import { answerOf, figuresOf, inspect, VIEWS } from './support/browser';
import { contrast, type Color } from './support/contrast';
import { useDashboard } from './support/dashboard';
import { ANSWER_PAGES } from './support/pages';
import { ONE_FRACTION, startBundledServer, STUDY } from './support/server';

const dashboard = useDashboard(startBundledServer);

describe.each(ANSWER_PAGES)('$id', ({ id, query = '', number, figures }) => {
  const names = Object.keys(figures);

  test.each(VIEWS)('answers at $width pixels, $theme', async (view) => {
    const page = await dashboard.open(`${id}?study=${STUDY}${query}`, view);
    expect(await answerOf(page)).toMatch(number);
    expect(await figuresOf(page, names.length)).toEqual(names);
    await inspect(page, `${id}-${view.name}`);
  });

  test('says where the answer comes from', async () => {
    const page = await dashboard.open(`${id}?study=${STUDY}${query}`);
    await answerOf(page);
    const origin = await page.locator('.answer .provenance').innerText();
    expect(origin).toContain('From compute_optimal_qat (no_irreducible), fit 1, revision 1.');
    expect(origin).toContain('Inside the data.');
    expect(origin).toMatch(/\d warnings?/);
  });

  test('has a question of its own in its title', async () => {
    const page = await dashboard.open(`${id}?study=${STUDY}${query}`);
    await answerOf(page);
    expect(await page.title()).toMatch(/ · bitbudget$/);
    expect(await page.locator('h1').innerText()).toMatch(/\?$/);
  });
});

test.each(VIEWS)('a refusal shows its advice at $width pixels, $theme', async (view) => {
  const page = await dashboard.open(`fraction?study=${ONE_FRACTION}`, view);
  const refusal = page.locator('.refusal');
  await refusal.waitFor();
  expect(await refusal.innerText()).toContain('The data cannot answer this');
  expect(await refusal.innerText()).toContain('measure more QAT fractions');
  expect(await refusal.innerText()).not.toContain('the data cannot answer this');
  const [axis] = await refusal.locator('tbody tr').allInnerTexts();
  expect(axis).toMatch(/qat fraction\s+1\s+4/);
  await inspect(page, `refusal-${view.name}`);
});

test('a study that there is not is said to be none', async () => {
  const page = await dashboard.open('fraction?study=nowhere');
  await page.locator('.refusal').waitFor();
  expect(await page.locator('.refusal').innerText()).toContain('studies/nowhere');
});

test('the runs at the very place speak for themselves', async () => {
  const place = 'parameters=55296&totalTokens=4M&weightBits=2';
  const page = await dashboard.open(`fraction?study=${STUDY}&${place}`);
  await answerOf(page);
  expect(await page.locator('.answer').innerText()).toMatch(
    /By the runs there alone\s+[\d.]+ %\s+standard error [\d.]+ %/,
  );
});

test('a question outside the data says how far', async () => {
  const query = `fraction?study=${STUDY}&parameters=2.2M&totalTokens=160M`;
  const page = await dashboard.open(query);
  await answerOf(page);
  expect(await page.locator('.outside').innerText()).toMatch(
    /parameters 2\.2M is 9\.95 times above the largest \(measured: 24\.6k to 221k\)/,
  );
});

test.each(ANSWER_PAGES)(
  '$id answers and draws far outside the data too',
  async ({ id, figures }) => {
    const names = Object.keys(figures);
    const far =
      'parameters=7B&totalTokens=1.4T&fpTokens=1.2T&qatTokens=200B&computeFlops=6e22' +
      (id === 'bits' ? '&memoryBytes=4GiB' : '');
    const page = await dashboard.open(`${id}?study=${STUDY}&${far}`);
    await answerOf(page);
    expect(await figuresOf(page, names.length)).toEqual(names);
    expect(await page.locator('.outside li').count()).toBeGreaterThan(0);
  },
);

/** What WCAG asks of text at the least. */
const LEAST_CONTRAST = 4.5;

test.each(['light', 'dark'] as const)('labels of the surface stand out, %s', async (theme) => {
  const page = await dashboard.open(`surface?study=${STUDY}`, { width: 1280, theme });
  await figuresOf(page, 1);
  const { labels, card, layers } = await page.evaluate(() => {
    const figure = document.querySelector('[data-figure=surface]')!;
    const rgb = (color: string) =>
      color
        .match(/[\d.]+/g)!
        .slice(0, 3)
        .map(Number);
    const styles = (selector: string) =>
      [...figure.querySelectorAll(selector)].map((element) => getComputedStyle(element));
    return {
      labels: styles('[data-part=text] text').map(({ fill }) => rgb(fill)),
      card: rgb(getComputedStyle(figure).backgroundColor),
      layers: styles('[data-part=contour] path').map(({ fill, fillOpacity }) => ({
        color: rgb(fill),
        opacity: Number(fillOpacity),
      })),
    };
  });
  // Where the loss is largest all areas lie upon each other.
  const ground = layers.reduce(
    (below, { color, opacity }) =>
      below.map((byte, index) => (1 - opacity) * byte + opacity * color[index]!),
    card,
  );
  expect(layers.length).toBeGreaterThan(5);
  expect(labels.length).toBeGreaterThan(5);
  for (const label of labels) {
    expect(contrast(label as Color, ground as Color)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
  }
});

test('waste that the data do not tell from nothing is not sold as a number', async () => {
  const page = await dashboard.open(`waste?study=${STUDY}`);
  expect(await answerOf(page)).toBe('not told from 0');
});
