// Axes of tokens: as they are, or for each byte of the weights.

export type TokenAxis = 'density' | 'tokens';

export const AXIS_LABELS: Record<TokenAxis, string> = {
  density: 'tokens per parameter-byte',
  tokens: 'tokens',
};

/** What one token counts on the axis. */
export function tokenScale(axis: TokenAxis, parameters: number, weightBits: number): number {
  return axis === 'density' ? 8 / (parameters * weightBits) : 1;
}
