// Which axis of tokens the reader has chosen.

import { AXIS_LABELS, type TokenAxis } from '../charts/token_axis';
import { toggled } from './inputs';

export const TOKEN_AXIS = {
  name: 'axis',
  label: 'Axis',
  options: [
    { value: 'density', label: AXIS_LABELS.density },
    { value: 'tokens', label: AXIS_LABELS.tokens },
  ],
} as const;

export function tokenAxis(): TokenAxis {
  return toggled(TOKEN_AXIS) as TokenAxis;
}
