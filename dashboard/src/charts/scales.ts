// Axes: where ticks stand, which points to ask for, where levels begin and end.

/** Round numbers between the ends: all of 1, 2, 5 over few decades, powers of ten over many. */
export function logTicks(lower: number, upper: number, most = 8): number[] {
  for (const mantissas of [[1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
    const ticks = ticksWith(mantissas, lower, upper);
    if (ticks.length <= most) return ticks;
  }
  const powers = ticksWith([1], lower, upper);
  const every = Math.ceil(powers.length / most);
  return powers.filter((_, index) => index % every === 0);
}

function ticksWith(mantissas: readonly number[], lower: number, upper: number): number[] {
  const ticks: number[] = [];
  // Ends that are ticks themselves must not be lost to rounding.
  const slack = 1e-9;
  for (let power = Math.floor(Math.log10(lower)); power <= Math.log10(upper) + 1; ++power) {
    for (const mantissa of mantissas) {
      const tick = Number(`${mantissa}e${power}`);
      if (tick >= lower * (1 - slack) && tick <= upper * (1 + slack)) ticks.push(tick);
    }
  }
  return ticks;
}

/** Powers of two between the ends, as bytes are counted. */
export function powersOfTwo(lower: number, upper: number, most = 8): number[] {
  const [first, last] = [Math.ceil(Math.log2(lower)), Math.floor(Math.log2(upper))];
  const every = Math.max(1, Math.ceil((last - first + 1) / most));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += every) ticks.push(2 ** power);
  return ticks;
}

/** Multiples of a power of two from 0 to `upper`, as bytes are counted. */
export function byteTicks(upper: number, most: number): number[] {
  const step = 2 ** Math.ceil(Math.log2(upper / most));
  return Array.from({ length: Math.floor(upper / step) + 1 }, (_, index) => index * step);
}

/** `count` points from `lower` to `upper`, evenly spaced in the logarithm. */
export function logSpaced(lower: number, upper: number, count: number): number[] {
  const step = Math.log(upper / lower) / (count - 1);
  return Array.from({ length: count }, (_, index) => lower * Math.exp(index * step));
}

export function linearSpaced(lower: number, upper: number, count: number): number[] {
  const step = (upper - lower) / (count - 1);
  return Array.from({ length: count }, (_, index) => lower + index * step);
}

/** The least and the largest of the values that are numbers; undefined if none is. */
export function extentOf(values: Iterable<number>): [number, number] | undefined {
  let extent: [number, number] | undefined;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    extent = extent ? [Math.min(extent[0], value), Math.max(extent[1], value)] : [value, value];
  }
  return extent;
}

/** `extent` with a margin on both sides, as a share of its length (in the logarithm). */
export function padded([lower, upper]: [number, number], share: number): [number, number] {
  const margin = share * (upper - lower);
  return [lower - margin, upper + margin];
}

/** A range that is `factor` times as long about its middle, in the logarithm or not. */
export function scaledRange(
  [lower, upper]: [number, number],
  factor: number,
  isLogarithmic: boolean,
): [number, number] {
  const to = isLogarithmic ? Math.log : (x: number) => x;
  const from = isLogarithmic ? Math.exp : (x: number) => x;
  const middle = (to(lower) + to(upper)) / 2;
  const half = (factor * (to(upper) - to(lower))) / 2;
  return [from(middle - half), from(middle + half)];
}

/** Values of one level differ by less than this, relative to it. */
const LEVEL_WIDTH = 0.01;

/** Of equal values, that value to the last digit. */
function meanOf([first, ...others]: readonly number[]): number {
  const excess = others.reduce((sum, value) => sum + (value - first!), 0);
  return first! + excess / (others.length + 1);
}

/** The distinct levels among values that scatter a little, ascending; means of their values. */
export function levelsOf(values: readonly number[], width = LEVEL_WIDTH): number[] {
  const groups: number[][] = [];
  for (const value of [...values].sort((a, b) => a - b)) {
    const last = groups.at(-1);
    if (last && value <= last[0]! * (1 + width)) last.push(value);
    else groups.push([value]);
  }
  return groups.map(meanOf);
}

/** The index of the level that a value belongs to, the nearest one in the logarithm. */
export function levelOf(value: number, levels: readonly number[]): number {
  const distances = levels.map((level) => Math.abs(Math.log(value / level)));
  return distances.indexOf(Math.min(...distances));
}
