// The dashboard as tests use it: a server, a browser, and the pages that a test opens.

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';

import { launchBrowser, openPage, type View } from './browser';
import type { Server } from './server';

export class Dashboard {
  #server: Server | undefined;
  #browser: Browser | undefined;

  get server(): Server {
    return this.#server!;
  }

  /** Opens the page at a fragment; it is closed after the test. */
  open(fragment: string, view?: View): Promise<Page> {
    return openPage(this.#browser!, this.server.url, fragment, view);
  }

  /** Opens what the link of `page` says, as another reader would. */
  openLinkOf(page: Page): Promise<Page> {
    return this.open(page.url().split('#/')[1]!);
  }

  async start(startServer: () => Promise<Server>): Promise<void> {
    this.#server = await startServer();
    this.#browser = await launchBrowser();
  }

  async closePages(): Promise<void> {
    await Promise.all(this.#browser!.contexts().map((context) => context.close()));
  }

  async end(): Promise<void> {
    await this.#browser?.close();
    await this.#server?.remove();
  }
}

/** One dashboard for all tests of a file. */
export function useDashboard(startServer: () => Promise<Server>): Dashboard {
  const dashboard = new Dashboard();
  beforeAll(() => dashboard.start(startServer));
  afterEach(() => dashboard.closePages());
  afterAll(() => dashboard.end());
  return dashboard;
}
