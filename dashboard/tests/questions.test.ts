// Asking: what one types, chooses and shares.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { answerOf, figuresOf } from './support/browser';
import { useDashboard } from './support/dashboard';
import { bundledRows, ONE_FRACTION, startBundledServer, STUDY } from './support/server';

const dashboard = useDashboard(startBundledServer);

/** Waits until the sentence of the answer has the text. */
async function sentenceWith(page: Page, text: string): Promise<void> {
  await page.locator('.sentence', { hasText: text }).waitFor();
}

test('an answer changes with the question, and its link says the same', async () => {
  const page = await dashboard.open(`fraction?study=${STUDY}`);
  const before = await answerOf(page);
  await page.getByLabel('Bits per weight').fill('4');
  await page.getByLabel('Budget, all tokens').fill('16M');
  await sentenceWith(page, 'then 7.47M with QAT');
  const after = await answerOf(page);
  expect(after).not.toBe(before);

  const other = await dashboard.openLinkOf(page);
  expect(await answerOf(other)).toBe(after);
  expect(await other.getByLabel('Budget, all tokens').inputValue()).toBe('16M');
});

test('what cannot be read is said beside its field, and the last answer stays', async () => {
  const page = await dashboard.open(`fraction?study=${STUDY}`);
  const before = await answerOf(page);
  const bits = page.getByLabel('Bits per weight');
  await bits.fill('two');
  const problem = page.locator('.field', { has: bits }).locator('.problem');
  expect(await problem.innerText()).toContain("'two' is not a number");
  expect(await bits.getAttribute('aria-invalid')).toBe('true');
  const notes = await bits.getAttribute('aria-describedby');
  expect(await page.locator(`[id="${notes}"]`).innerText()).toContain('is not a number');
  expect(await answerOf(page)).toBe(before);
  await bits.fill('');
  expect(await problem.innerText()).toBe('is needed');
});

test('what the server finds wrong is said beside its field', async () => {
  const page = await dashboard.open(`plan?study=${STUDY}&memoryBytes=1KiB`);
  await page.locator('.refusal').waitFor();
  const field = page.locator('.field', { has: page.getByLabel('Memory, at most') });
  expect(await field.locator('.problem').innerText()).toContain('is 1024;');
});

test('a link with a mistake shows the mistake', async () => {
  const page = await dashboard.open(`waste?study=${STUDY}&qatFraction=110%25`);
  const field = page.locator('.field', { has: page.getByLabel('Your split') });
  await field.locator('.problem').waitFor();
  expect(await field.locator('.problem').innerText()).toBe('must be below 1');
});

test('axes show tokens or tokens per parameter-byte, and the link says which', async () => {
  const page = await dashboard.open(`fraction?study=${STUDY}`);
  const figure = page.locator('[data-figure=best-fraction]');
  await figuresOf(page, 2);
  expect(await figure.locator('svg').innerHTML()).toContain('All tokens per parameter-byte');
  await figure.getByText('tokens', { exact: true }).click();
  await figure.locator('svg', { hasText: /All tokens(?! per)/ }).waitFor();
  expect(page.url()).toContain('axis=tokens');
});

test('questions go along to other pages, and back leads to the page before', async () => {
  const page = await dashboard.open(`fraction?study=${STUDY}&weightBits=4`);
  await answerOf(page);
  await page.getByRole('link', { name: 'Waste' }).click();
  await page.locator('[data-figure=waste]').waitFor();
  expect(await page.getByLabel('Bits per weight').inputValue()).toBe('4');
  await page.getByLabel('Your split').fill('20%');
  await page.goBack();
  await page.locator('[data-figure=best-fraction]').waitFor();
});

test('another study is a click away', async () => {
  const page = await dashboard.open(`fraction?study=${STUDY}`);
  await answerOf(page);
  await page.getByLabel('Study').selectOption(ONE_FRACTION);
  await page.locator('.refusal').waitFor();
  expect(page.url()).toContain(`study=${ONE_FRACTION}`);
  expect(await page.locator('.answer').count()).toBe(0);
});

test('a study made meanwhile can be chosen, and leaves the one that is looked at', async () => {
  const page = await dashboard.open('fraction');
  await answerOf(page);
  const later = 'before-the-others';
  dashboard.server.createStudy(later);
  dashboard.server.importRows(later, bundledRows());
  const picker = page.getByLabel('Study');
  await picker.hover();
  await picker.locator('option', { hasText: later }).waitFor({ state: 'attached' });
  expect(await picker.inputValue()).toBe(STUDY);
  await picker.selectOption(later);
  await page.waitForURL(new RegExp(`study=${later}`));
  await answerOf(page);
});

test('a plan can start from money, which needs devices and a price', async () => {
  const page = await dashboard.open(`plan?study=${STUDY}`);
  await answerOf(page);
  await page.getByLabel('Plan from').selectOption('money');
  await page.getByLabel('Money').fill('0.000001');
  await page.locator('.facts dt', { hasText: 'Hours on the clock' }).waitFor();
  expect(await page.getByLabel('Price of a device hour').inputValue()).toBe('2');
});

test('the keyboard reaches all there is to do', async () => {
  const page = await dashboard.open(`fraction?study=${STUDY}`);
  await figuresOf(page, 2);
  const missed = new Set(
    await page
      .locator('a:not(.skip), button:not(:disabled), input:not([type=radio]), select, summary')
      .evaluateAll((all) =>
        all.map((element, index) => (element.setAttribute('data-reach', `${index}`), `${index}`)),
      ),
  );
  const presses = missed.size + 20;
  for (let press = 0; press < presses; ++press) {
    await page.keyboard.press('Tab');
    const reached = await page.evaluate(() => document.activeElement?.getAttribute('data-reach'));
    if (reached) missed.delete(reached);
  }
  expect([...missed]).toEqual([]);
});

test('the theme is the choice of the system until one makes another', async () => {
  const view = { width: 1280, theme: 'dark' } as const;
  const page = await dashboard.open(`fraction?study=${STUDY}`, view);
  await answerOf(page);
  const themeOf = () => page.evaluate(() => document.documentElement.dataset.theme);
  expect(await themeOf()).toBe('dark');
  await page.getByRole('button', { name: 'Light' }).click();
  expect(await themeOf()).toBe('light');
  await page.reload();
  await answerOf(page);
  expect(await themeOf()).toBe('light');
});

/** After so long without a change nothing more is on its way. */
const QUIET_MS = 300;

/** Milliseconds from typing until the number and the figures have changed for the last time. */
function timeOfChange(page: Page, bits: string): Promise<{ number: number; figures: number }> {
  return page.evaluate(
    async ([text, quiet]) => {
      const input = document.querySelector<HTMLInputElement>('input[name=weightBits]')!;
      const last = { number: 0, figures: 0 };
      const began = performance.now();
      const sinceBegan = () => performance.now() - began;
      const watch = (selector: string, name: 'number' | 'figures') => {
        const observer = new MutationObserver(() => (last[name] = sinceBegan()));
        const all = { characterData: true, childList: true, subtree: true };
        document.querySelectorAll(selector).forEach((element) => observer.observe(element, all));
        return observer;
      };
      const observers = [watch('.answer .value', 'number'), watch('.figure .plot', 'figures')];
      input.value = text;
      input.dispatchEvent(new Event('input', { bubbles: true }));
      const isQuiet = () =>
        last.number > 0 &&
        last.figures > 0 &&
        sinceBegan() - Math.max(last.number, last.figures) > quiet;
      while (!isQuiet()) await new Promise((resolve) => setTimeout(resolve, 20));
      observers.forEach((observer) => observer.disconnect());
      return last;
    },
    [bits, QUIET_MS] as const,
  );
}

function median(values: number[]): number {
  return Math.round(values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!);
}

// Says the times and asserts none: they are the machine's as well.
test('number and figures follow a change of bits', async () => {
  const page = await dashboard.open(`fraction?study=${STUDY}`);
  await figuresOf(page, 2);
  const times = [];
  for (const bits of ['4', '3', '2', '1', '4', '3', '2', '1', '4', '3', '2']) {
    times.push(await timeOfChange(page, bits));
  }
  const number = median(times.map((time) => time.number));
  const figures = median(times.map((time) => time.figures));
  console.log(`a change of bits shows after ${number} ms, in the figures after ${figures} ms`);
  expect(times).toHaveLength(11);
});
