// Answers: the number first, its interval, where it comes from, what to doubt. And refusals,
// as what they are.

import type { ComponentChildren } from 'preact';

import type { Provenance } from '../gen/bitbudget/v1/common_pb';
import type { Refusal } from '../rpc/refusal';
import { originText, outsideText } from '../text/provenance';
import { counted, formatPercent, formatQuantity, words } from '../text/quantity';

export interface Fact {
  name: string;
  value: string;
  /** The interval, or whatever stands in small letters behind the value. */
  note?: string | undefined;
}

interface AnswerCardProps {
  /** What the number is. */
  label: string;
  value: string;
  interval?: string | undefined;
  /** How sure an answer without an interval is. */
  certainty?: string | undefined;
  /** The answer in one sentence. */
  sentence: string;
  facts?: readonly Fact[];
  provenance?: Provenance | undefined;
  /** The next answer is on its way. */
  pending?: boolean;
  children?: ComponentChildren;
}

export function AnswerCard(card: AnswerCardProps) {
  return (
    <section class="card answer" aria-label="Answer" aria-busy={card.pending ?? false}>
      <div class="headline">
        <p class="label">{card.label}</p>
        <p class="value" aria-live="polite">
          {card.value}
        </p>
        {card.certainty !== undefined && <p class="interval">{card.certainty}</p>}
        {card.interval !== undefined && (
          <p class="interval">
            {card.interval}
            {card.provenance && (
              <span class="confidence">
                {' '}
                {formatPercent(card.provenance.confidenceLevel)} interval
              </span>
            )}
          </p>
        )}
      </div>
      <div class="body">
        <p class="sentence">{card.sentence}</p>
        {card.facts && <FactList facts={card.facts} />}
        {card.children}
        {card.provenance && <ProvenanceNote provenance={card.provenance} />}
      </div>
    </section>
  );
}

export function FactList({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(({ name, value, note }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            {note !== undefined && <span class="note"> {note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Law, fit, revision; whether the question lies inside the data; warnings. */
export function ProvenanceNote({ provenance }: { provenance: Provenance }) {
  const { extrapolation, warnings } = provenance;
  return (
    <footer class="provenance">
      <p>
        {originText(provenance)}{' '}
        {extrapolation?.insideData && <span class="inside">Inside the data.</span>}
      </p>
      {extrapolation && !extrapolation.insideData && (
        <ul class="outside" aria-label="Outside the data">
          {extrapolation.axes.map((axis) => (
            <li key={axis.axis}>Outside the data: {outsideText(axis)}.</li>
          ))}
        </ul>
      )}
      {warnings.length > 0 && (
        <details class="warnings">
          <summary>{counted(warnings.length, 'warning')}</summary>
          <ul>
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </details>
      )}
    </footer>
  );
}

const REFUSAL_TITLES: Record<Refusal['kind'], string> = {
  'wrong question': 'The question needs a correction',
  'outside the law': 'The question lies outside what the law describes',
  'data cannot answer': 'The data cannot answer this',
  failure: 'The server could not answer',
};

/** Why there is no answer, and what would change that. */
export function RefusalCard({ refusal }: { refusal: Refusal }) {
  return (
    <section class="card refusal" role="status" aria-label="Refusal">
      <h2>{REFUSAL_TITLES[refusal.kind]}</h2>
      <p>{refusal.message.replace(/^the data cannot answer this; /, '')}</p>
      {refusal.missingAxes.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Axis</th>
              <th scope="col">Levels in the data</th>
              <th scope="col">Needed</th>
            </tr>
          </thead>
          <tbody>
            {refusal.missingAxes.map((axis) => (
              <tr key={axis.axis}>
                <th scope="row">{words(axis.axis)}</th>
                <td>
                  {axis.levelCount}
                  {axis.levels.length > 0 && `: ${axis.levels.map(formatQuantity).join(', ')}`}
                </td>
                <td>{axis.neededLevelCount}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {refusal.advice && <p>{refusal.advice}</p>}
    </section>
  );
}
