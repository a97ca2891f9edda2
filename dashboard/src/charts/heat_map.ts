// A plane of cells on two logarithmic axes: its edges, and where a question stands in it.

/** The edges of cells whose middles are evenly spaced in the logarithm. */
export function cellEdges(middles: readonly number[], index: number): [number, number] {
  const ratio = (middles.at(-1)! / middles[0]!) ** (0.5 / Math.max(1, middles.length - 1));
  return [middles[index]! / ratio, middles[index]! * ratio];
}

/** The edges of all cells together. */
export function planeEdges(middles: readonly number[]): [number, number] {
  return [cellEdges(middles, 0)[0], cellEdges(middles, middles.length - 1)[1]];
}

/** The same with one more cell on both sides. */
export function widenedEdges(middles: readonly number[]): [number, number] {
  const [lower, upper] = planeEdges(middles);
  const ratio = (middles.at(-1)! / middles[0]!) ** (1 / Math.max(1, middles.length - 1));
  return [lower / ratio, upper * ratio];
}
