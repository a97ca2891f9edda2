// The pages, in the order of the navigation. A page is loaded when it is first looked at.

import type { ComponentType } from 'preact';

export interface Page {
  id: string;
  title: string;
  /** What the page answers, for the tab of the browser and the top of the page. */
  question: string;
  load(): Promise<{ default: ComponentType }>;
}

export const PAGES: readonly Page[] = [
  {
    id: 'fraction',
    title: 'Fraction',
    question: 'What share of the tokens should be QAT?',
    load: () => import('./pages/fraction'),
  },
];

export function pageOf(id: string): Page | undefined {
  return PAGES.find((page) => page.id === id);
}
