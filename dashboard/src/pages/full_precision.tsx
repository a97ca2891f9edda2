// What does quantization cost, held against full precision?

import { useMemo } from 'preact/hooks';

import { comparisonOf, REFERENCE_LABELS, type Reference } from '../charts/full_precision';
import { AnswerCard, RefusalCard, type Fact } from '../components/answer';
import { Inputs, QuestionForm, Toggle, toggled } from '../components/inputs';
import { QuestionAndAnswer } from '../components/layout';
import {
  MEMORY_FIELDS,
  MemoryInputs,
  memoryModelOf,
  MODEL_FIELDS,
  ModelInputs,
} from '../components/model_inputs';
import { REFERENCE } from '../components/reference';
import { TableCard } from '../components/text_table';
import type {
  CompareToFullPrecisionResponse,
  WidthComparison,
} from '../gen/bitbudget/v1/planner_pb';
import { planner } from '../rpc/clients';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { useForm } from '../state/form';
import { count, optional, real } from '../text/fields';
import { subject } from '../state/study';
import { measuredOf, usualQuestion } from '../state/usual_question';
import { equalMemoryTable, equalTokensTable, tokensToMatch } from '../text/full_precision';
import { intervalText, withInterval } from '../text/estimate';
import { formatQuantity, formatReal, formatSigned } from '../text/quantity';
import { bitsText, memoryRuleText } from '../text/widths';
import { FullPrecisionFigures } from './full_precision_figures';

const FIELDS = {
  ...MODEL_FIELDS,
  totalTokens: count('Budget, all tokens', 'tokens', { atLeast: 2 }),
  toleranceNats: optional(
    real('A match within, nats', 'none', { above: 0, hint: 'empty: 1 % of the loss' }),
  ),
  ...MEMORY_FIELDS,
};

export default function FullPrecisionPage() {
  const about = subject.value!;
  const measured = useMemo(() => measuredOf(about), [about]);
  const form = useForm(FIELDS, usualQuestion(about));
  const question = form.values;
  const {
    answer,
    question: asked,
    refusal,
    pending,
  } = useAnswer(
    planner.compareToFullPrecision,
    question && {
      source: currentLaw(about.study.name),
      parameters: question.parameters,
      budget: { case: 'totalTokens' as const, value: question.totalTokens },
      weightBits: [...new Set([...measured.weightBits, question.weightBits])],
      toleranceNats: question.toleranceNats,
      memoryModel: memoryModelOf(question),
    },
  );
  const width = answer?.widths.find((w) => w.weightBits === question?.weightBits);

  return (
    <QuestionAndAnswer
      form={
        <QuestionForm>
          <ModelInputs form={form} refusal={refusal} measured={measured} />
          <Inputs form={form} refusal={refusal} names={['totalTokens', 'toleranceNats']} />
          <MemoryInputs form={form} refusal={refusal} />
        </QuestionForm>
      }
    >
      <Toggle choice={REFERENCE} />
      {refusal && <RefusalCard refusal={refusal} />}
      {answer && asked && width && (
        <ComparisonCard answer={answer} width={width} pending={pending} />
      )}
      {question && !refusal && (
        <FullPrecisionFigures
          measured={measured}
          parameters={Number(question.parameters)}
          totalTokens={Number(question.totalTokens)}
          weightBits={question.weightBits}
        />
      )}
      {answer && <Tables answer={answer} />}
    </QuestionAndAnswer>
  );
}

interface ComparisonCardProps {
  answer: CompareToFullPrecisionResponse;
  width: WidthComparison;
  pending: boolean;
}

function ComparisonCard({ answer, width, pending }: ComparisonCardProps) {
  const reference = toggled(REFERENCE);
  const comparison = comparisonOf(width, reference);
  if (!comparison?.reference) {
    return (
      <section class="card">
        <p>
          The study has no {REFERENCE_LABELS[reference]}: too few full-precision runs. Choose the
          other reference.
        </p>
      </section>
    );
  }
  const { perplexityDifference, lossDifferenceNats, fullPrecisionLossNats } = comparison.reference;
  const facts: Fact[] = [
    {
      name: 'Loss difference, nats',
      value: formatSigned(lossDifferenceNats!.value),
      note: intervalText(lossDifferenceNats!, formatSigned),
    },
    { name: 'Loss in full precision', value: withInterval(fullPrecisionLossNats!, formatReal) },
    {
      name: `Matches within ${formatReal(answer.toleranceNats)} nats`,
      value: comparison.matches ? 'yes' : 'no',
    },
    { name: 'Tokens to match', value: tokensToMatch(comparison) },
    { name: 'Fewest bits that match', value: fewestBits(answer, reference) },
  ];
  return (
    <AnswerCard
      label={`Perplexity at ${bitsText(width.weightBits)}, minus full precision`}
      value={formatSigned(perplexityDifference!.value)}
      interval={intervalText(perplexityDifference!, formatSigned)}
      sentence={sentenceOf(answer, width, reference)}
      facts={facts}
      provenance={answer.provenance}
      pending={pending}
    />
  );
}

function fewestBits(answer: CompareToFullPrecisionResponse, reference: Reference): string {
  const bits =
    reference === 'sameLaw' ? answer.fewestBitsSameLaw : answer.fewestBitsFullPrecisionLaw;
  return bits === undefined ? 'none of those asked' : bitsText(bits);
}

function sentenceOf(
  answer: CompareToFullPrecisionResponse,
  { weightBits, qatFraction }: WidthComparison,
  reference: Reference,
): string {
  return (
    `At its best split (${formatReal(100 * qatFraction)} % QAT of ` +
    `${formatQuantity(answer.totalTokens)} tokens), ${bitsText(weightBits)} against ` +
    `${REFERENCE_LABELS[reference]} at equal tokens. ` +
    (reference === 'sameLaw'
      ? 'This reference is never worse than the quantized run.'
      : 'Below 0 the quantized run is better; the interval says whether that is more than noise.')
  );
}

function Tables({ answer }: { answer: CompareToFullPrecisionResponse }) {
  const equalMemory = equalMemoryTable(answer);
  return (
    <>
      <TableCard title="At equal tokens" table={equalTokensTable(answer)} />
      {equalMemory.rows.length > 0 && (
        <TableCard
          title="At equal memory, against the largest full-precision model that fits"
          table={equalMemory}
        >
          <p class="hint">{memoryRuleText(answer.memoryModel!)}</p>
        </TableCard>
      )}
    </>
  );
}
