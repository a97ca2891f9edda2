// Chromium, and what tests do with pages.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium, type Browser, type Download, type Page } from 'playwright-core';

import { CHROMIUM } from './paths';

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

export const WIDE: View = { width: 1280, theme: 'light' };

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
export async function violationsOf(page: Page): Promise<string[]> {
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
export function overflows(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
}

/** The content of the file that an action hands out. */
export async function download(page: Page, action: () => Promise<void>): Promise<string> {
  const [file] = await Promise.all<[Promise<Download>, Promise<void>]>([
    page.waitForEvent('download'),
    action(),
  ] as never);
  return readFileSync((await (file as unknown as Download).path())!, 'utf8');
}
