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
  {
    id: 'plan',
    title: 'Plan',
    question: 'How to train with what there is?',
    load: () => import('./pages/plan'),
  },
  {
    id: 'surface',
    title: 'Surface',
    question: 'What loss do tokens of both kinds give?',
    load: () => import('./pages/surface'),
  },
  {
    id: 'waste',
    title: 'Waste',
    question: 'What does a habitual split cost?',
    load: () => import('./pages/waste'),
  },
  {
    id: 'full-precision',
    title: 'Against full precision',
    question: 'What does quantization cost?',
    load: () => import('./pages/full_precision'),
  },
  {
    id: 'bits',
    title: 'Bits',
    question: 'Which width, under a cap of memory and a budget?',
    load: () => import('./pages/bits'),
  },
  {
    id: 'law',
    title: 'Law',
    question: 'Does the law describe the runs?',
    load: () => import('./pages/law'),
  },
  {
    id: 'experiments',
    title: 'Experiments',
    question: 'What was measured?',
    load: () => import('./pages/experiments'),
  },
  {
    id: 'jobs',
    title: 'Jobs',
    question: 'What is being trained?',
    load: () => import('./pages/jobs'),
  },
];

/** The page of that id; the first one for an id that there is not. */
export function shownPage(id: string): Page {
  return PAGES.find((page) => page.id === id) ?? PAGES[0]!;
}
