// Marks that several charts have.

import * as Plot from '@observablehq/plot';

import { formatQuantity } from '../text/quantity';
import type { Colors, Frame } from './chart';
import { logTicks, powersOfTwo } from './scales';

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

/** What the label of the axis takes above the legend. */
const LABEL_PIXELS = 16;

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
  const height = placed.at(-1)!.y + ROW_PIXELS;
  const marginTop = LABEL_PIXELS + height + 10;
  const shared = { frameAnchor: 'top-left', clip: false } as const;
  const marks = placed.flatMap(({ key, x, y }) => {
    const dx = x + 6;
    const dy = y - marginTop + LABEL_PIXELS + ROW_PIXELS / 2;
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

interface LogScale {
  scale: Plot.ScaleOptions;
  axis: Plot.Markish;
}

interface LogOptions {
  domain: readonly [number, number];
  label: string;
  /** Ticks that the drawing has room for. */
  most: number;
  format?: (value: number) => string;
  /** Ticks are round in powers of this: 2 for bytes, else 10. */
  powerOf?: 2 | 10;
}

// The axis is a mark of its own, for a logarithmic scale labels some of its ticks only.
function log(
  draw: (ticks: number[], options: Plot.AxisXOptions & Plot.AxisYOptions) => Plot.CompoundMark,
  { domain: [lower, upper], label, most, format = formatQuantity, powerOf = 10 }: LogOptions,
): LogScale {
  return {
    scale: { type: 'log', domain: [lower, upper], axis: null },
    axis: draw((powerOf === 2 ? powersOfTwo : logTicks)(lower, upper, most), {
      text: format,
      label,
    }),
  };
}

/** A logarithmic axis of quantities along the drawing, "300k", "1M"; zoomed as the frame is. */
export function logX(frame: Frame, options: Omit<LogOptions, 'most'>): LogScale {
  const most = frame.width < 500 ? 5 : 10;
  return log(Plot.axisX, { ...options, domain: frame.zoom ?? options.domain, most });
}

/** The same up the drawing. */
export function logY(options: Omit<LogOptions, 'most'>): LogScale {
  return log(Plot.axisY, { ...options, most: 9 });
}

/** Where the reader's own question stands. */
export function questionRule(x: number, colors: Colors): Plot.Markish {
  return Plot.ruleX([x], { stroke: colors.mark, strokeDasharray: '3,3' });
}
