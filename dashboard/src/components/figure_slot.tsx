// The place of a figure whose chart is asked for: empty until there is one, and a word where the
// server refuses it.

import type { ComponentChildren } from 'preact';

import type { Chart } from '../charts/chart';
import type { Refusal } from '../rpc/refusal';
import { Figure } from './figure';

interface FigureSlotProps {
  name: string;
  chart: Chart | undefined;
  refusal?: Refusal | undefined;
  children?: ComponentChildren;
}

export function FigureSlot({ name, chart, refusal, children }: FigureSlotProps) {
  if (refusal) return <p class="card hint">There is no figure here: {refusal.message}</p>;
  return chart ? (
    <Figure name={name} chart={chart}>
      {children}
    </Figure>
  ) : null;
}
