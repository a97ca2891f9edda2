// Which axis of tokens figures have.

import { AXIS_LABELS, type TokenAxis } from '../charts/token_axis';
import type { Choice } from './inputs';

export const TOKEN_AXIS: Choice<TokenAxis> = {
  name: 'axis',
  label: 'Axis',
  options: [
    { value: 'density', label: AXIS_LABELS.density },
    { value: 'tokens', label: AXIS_LABELS.tokens },
  ],
};
