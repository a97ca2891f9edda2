// What a figure shows, apart from the page: rows for people and programs, marks for the eye.

import type { PlotOptions } from '@observablehq/plot';

import type { Theme } from '../state/theme';
import type { Row } from '../text/csv';

/** What a drawing has to fit into. */
export interface Frame {
  width: number;
  height: number;
  colors: Colors;
  /** The stretch of the x axis to show; all of it if unset. */
  zoom?: readonly [number, number] | undefined;
}

export interface Chart {
  title: string;
  /** What one sees, for those who do not. */
  summary: string;
  /** All that is drawn, exact. */
  rows: readonly Row[];
  options(frame: Frame): PlotOptions;
}

export interface Colors {
  text: string;
  background: string;
  /** For lines that carry no data. */
  faint: string;
  accent: string;
  /** For what stands apart: the reader's own question. */
  mark: string;
  /** Opacity, of all layers together, of areas that text stands on. */
  wash: number;
  /** Ordered, told apart with any colour vision by their order in lightness and hue. */
  sequence: readonly string[];
}

const COLORS: Record<Theme, Colors> = {
  light: {
    text: '#1d252c',
    background: '#ffffff',
    faint: '#8a949e',
    accent: '#2f6690',
    mark: '#b3261e',
    wash: 0.55,
    sequence: ['#5b2a86', '#2c5fb0', '#12807f', '#3f7f2a', '#9a6a00', '#c2410c', '#9d174d'],
  },
  dark: {
    text: '#e3e8ec',
    background: '#1a2026',
    faint: '#8b97a2',
    accent: '#7db4dd',
    mark: '#ff8a80',
    wash: 0.3,
    sequence: ['#c4a1f0', '#8fb2ff', '#5fd0cf', '#98d97f', '#f0c15c', '#ff9a66', '#ff8ab8'],
  },
};

export function colorsOf(theme: Theme): Colors {
  return COLORS[theme];
}

/** The colour of the level at `index` of `count`; few levels are spread over the sequence. */
export function colorOf(colors: Colors, index: number, count: number): string {
  const { sequence } = colors;
  const step = count > 1 ? Math.min(2, (sequence.length - 1) / (count - 1)) : 1;
  return sequence[Math.round(index * step) % sequence.length]!;
}

export const SYMBOLS = ['circle', 'square', 'triangle', 'diamond2', 'star', 'wye'] as const;

export function symbolOf(index: number): (typeof SYMBOLS)[number] {
  return SYMBOLS[index % SYMBOLS.length]!;
}
