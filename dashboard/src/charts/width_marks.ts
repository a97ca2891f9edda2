// Widths told apart: a colour for each, a line for each.

import * as Plot from '@observablehq/plot';

import { bitsText } from '../text/widths';
import { colorOf, type Frame } from './chart';
import { legend, type Key, type Legend } from './marks';

export interface WidthColors extends Legend {
  color(weightBits: number): string;
}

/** The colours of widths, in their order, and the legend that names them. */
export function widthColors(
  widths: readonly number[],
  { width, colors }: Frame,
  sign: Pick<Key, 'isLine' | 'symbol'>,
): WidthColors {
  const color = (bits: number) => colorOf(colors, widths.indexOf(bits), widths.length);
  const keys = widths.map((bits) => ({ label: bitsText(bits), color: color(bits), ...sign }));
  return { color, ...legend(keys, width) };
}

export interface WidthPoint {
  weightBits: number;
  x: number;
  value: number;
  lower?: number | undefined;
  upper?: number | undefined;
}

/** A line for each width, bold for the one asked about. */
export function widthLines(
  points: readonly WidthPoint[],
  asked: number,
  color: (weightBits: number) => string,
): Plot.Markish {
  return Plot.line(points, {
    x: 'x',
    y: 'value',
    z: 'weightBits',
    stroke: (point: WidthPoint) => color(point.weightBits),
    strokeWidth: (point: WidthPoint) => (point.weightBits === asked ? 2.5 : 1.2),
  });
}

/** The interval of the width asked about. */
export function widthBand(
  points: readonly WidthPoint[],
  asked: number,
  color: (weightBits: number) => string,
): Plot.Markish {
  return Plot.areaY(
    points.filter((point) => point.weightBits === asked),
    { x: 'x', y1: 'lower', y2: 'upper', fill: color(asked), fillOpacity: 0.14 },
  );
}
