// Chromium, and what tests do with pages.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { expect } from 'vitest';

import { CHROMIUM, SCREENSHOTS } from './paths';

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface View {
  width: number;
  theme: 'light' | 'dark';
}

const WIDE: View = { width: 1280, theme: 'light' };

/** What every page must stand, by name. */
export const VIEWS: (View & { name: string })[] = [1280, 390].flatMap((width) =>
  (['light', 'dark'] as const).map((theme) => ({ name: `${width}-${theme}`, width, theme })),
);

/** Opens the page at a fragment; a script that fails there fails the test. */
export async function openPage(
  browser: Browser,
  url: string,
  fragment: string,
  { width, theme }: View = WIDE,
): Promise<Page> {
  const page = await browser.newPage({
    viewport: { width, height: 900 },
    colorScheme: theme,
    acceptDownloads: true,
  });
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.goto(`${url}#/${fragment}`);
  return page;
}

/** Waits for the number. */
export async function answerOf(page: Page): Promise<string> {
  const value = page.locator('.answer .value');
  await value.waitFor();
  return value.innerText();
}

/** Waits until as many figures are drawn. */
export async function figuresOf(page: Page, count: number): Promise<string[]> {
  await page
    .locator('.figure .plot > *')
    .nth(count - 1)
    .waitFor();
  const figures = await page.locator('.figure').all();
  return Promise.all(figures.map(async (f) => (await f.getAttribute('data-figure')) ?? ''));
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds wrong: rule and place. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    interface Axe {
      run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
    }
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

/** Whether the page is wider than the screen. */
function overflows(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
}

/** Leaves a screenshot; everyone must be able to read the page, and it must fit the screen. */
export async function inspect(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
  expect(await violationsOf(page)).toEqual([]);
  expect(await overflows(page)).toBe(false);
}

/** The content of the file that a button hands out. */
export async function download(within: Page | Locator, button: string): Promise<string> {
  const page = 'page' in within ? within.page() : within;
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    within.getByRole('button', { name: button }).click(),
  ]);
  return readFileSync(await file.path(), 'utf8');
}

/** The lines of the file that a button hands out. */
export async function downloadLines(within: Page | Locator, button: string): Promise<string[]> {
  return (await download(within, button)).trimEnd().split('\n');
}
