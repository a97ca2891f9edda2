// Marks that several charts have.

import * as Plot from '@observablehq/plot';

import { formatQuantity } from '../text/quantity';
import type { Colors } from './chart';
import { logTicks } from './scales';

export interface Key {
  label: string;
  color: string;
  symbol?: Plot.SymbolType;
  /** A line instead of a symbol. */
  isLine?: boolean;
}

const LETTER_PIXELS = 6.6;
const SIGN_PIXELS = 14;
const GAP_PIXELS = 14;
const ROW_PIXELS = 17;

interface Placed {
  key: Key;
  x: number;
  y: number;
}

// From left to right, in as many rows as the width makes necessary.
function place(keys: readonly Key[], width: number): Placed[] {
  let x = 0;
  let y = 0;
  return keys.map((key) => {
    const length = SIGN_PIXELS + LETTER_PIXELS * key.label.length + GAP_PIXELS;
    if (x > 0 && x + length > width) {
      x = 0;
      y += ROW_PIXELS;
    }
    const placed = { key, x, y };
    x += length;
    return placed;
  });
}

const MARGIN_LEFT = 52;
const MARGIN_RIGHT = 16;

export interface Legend {
  marks: Plot.Markish[];
  /** Margins of a plot with the legend above it. */
  margins: { marginTop: number; marginLeft: number; marginRight: number; marginBottom: number };
}

/** A legend inside the drawing, above the frame, so that it is exported with it. */
export function legend(keys: readonly Key[], width: number): Legend {
  const placed = place(keys, width - MARGIN_LEFT - MARGIN_RIGHT);
  const height = keys.length === 0 ? 0 : placed.at(-1)!.y + ROW_PIXELS;
  const marginTop = 30 + height;
  const shared = { frameAnchor: 'top-left', clip: false } as const;
  const marks = placed.flatMap(({ key, x, y }) => {
    const dx = x + 6;
    const dy = y - height - 20;
    const sign = key.isLine
      ? Plot.text(['━'], { ...shared, dx: dx - 6, dy, fill: key.color, fontWeight: 'bold' })
      : Plot.dot([0], { ...shared, dx, dy, fill: key.color, symbol: key.symbol ?? 'circle', r: 4 });
    return [sign, Plot.text([key.label], { ...shared, dx: dx + 10, dy, textAnchor: 'start' })];
  });
  return {
    marks,
    margins: { marginTop, marginLeft: MARGIN_LEFT, marginRight: MARGIN_RIGHT, marginBottom: 40 },
  };
}

/** A logarithmic axis of quantities: "300k", "1M". */
export function logAxis(
  label: string,
  [lower, upper]: [number, number],
  most?: number,
): Plot.ScaleOptions {
  return {
    type: 'log',
    domain: [lower, upper],
    ticks: logTicks(lower, upper, most),
    tickFormat: formatQuantity,
    label,
  };
}

/** Where the reader's own question stands. */
export function questionRule(x: number, colors: Colors): Plot.Markish {
  return Plot.ruleX([x], { stroke: colors.mark, strokeDasharray: '3,3' });
}
