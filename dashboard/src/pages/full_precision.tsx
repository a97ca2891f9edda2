// What does quantization cost, held against full precision?

import type { CallOptions } from '@connectrpc/connect';
import { useMemo } from 'preact/hooks';

import {
  comparisonOf,
  differenceCurves,
  differencePlane,
  REFERENCE_LABELS,
  type Reference,
} from '../charts/full_precision';
import { logSpaced } from '../charts/scales';
import { AnswerCard, RefusalCard, type Fact } from '../components/answer';
import { FigureSlot } from '../components/figure_slot';
import { Input, QuestionForm, toggled, Toggle } from '../components/inputs';
import { QuestionAndAnswer } from '../components/layout';
import { MEMORY_FIELDS, MemoryInputs, memoryModelOf } from '../components/model_inputs';
import { TextTableView } from '../components/text_table';
import { TOKEN_AXIS, tokenAxis } from '../components/token_axis';
import type {
  CompareToFullPrecisionResponse,
  WidthComparison,
} from '../gen/bitbudget/v1/planner_pb';
import { askAll } from '../rpc/batch';
import { planner } from '../rpc/clients';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { useForm } from '../state/form';
import { count, optional, real } from '../text/fields';
import { subject } from '../state/study';
import { measuredOf, rangeAround, usualQuestion, type Measured } from '../state/usual_question';
import { equalMemoryTable, equalTokensTable, tokensToMatch } from '../text/full_precision';
import { intervalText, withInterval } from '../text/estimate';
import { formatQuantity, formatReal, formatSigned } from '../text/quantity';
import { bitsText, memoryRuleText } from '../text/widths';

const FIELDS = {
  parameters: count('Parameters', 'parameters'),
  weightBits: real('Bits per weight', 'none', { atLeast: 1, below: 16 }),
  totalTokens: count('Budget, all tokens', 'tokens', { atLeast: 2 }),
  toleranceNats: optional(
    real('A match within, nats', 'none', { above: 0, hint: 'empty: 1 % of the loss' }),
  ),
  ...MEMORY_FIELDS,
};

const REFERENCE = {
  name: 'reference',
  label: 'Against',
  options: [
    { value: 'fullPrecisionLaw', label: REFERENCE_LABELS.fullPrecisionLaw },
    { value: 'sameLaw', label: REFERENCE_LABELS.sameLaw },
  ],
} as const;

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
      source: currentLaw(about),
      parameters: question.parameters,
      budget: { case: 'totalTokens' as const, value: question.totalTokens },
      weightBits: [...new Set([...measured.weightBits, question.weightBits])],
      toleranceNats: question.toleranceNats,
      memoryModel: memoryModelOf(question),
    },
  );
  const problems = refusal?.fieldProblems ?? {};
  const width = answer?.widths.find((w) => w.weightBits === question?.weightBits);

  return (
    <QuestionAndAnswer
      form={
        <QuestionForm>
          <Input
            form={form}
            name="parameters"
            problem={problems.parameters}
            suggestions={measured.parameters.map(String)}
          />
          <Input
            form={form}
            name="weightBits"
            problem={problems.weightBits}
            suggestions={measured.weightBits.map(String)}
          />
          <Input form={form} name="totalTokens" problem={problems.totalTokens} />
          <Input form={form} name="toleranceNats" problem={problems.toleranceNats} />
          <MemoryInputs form={form} refusal={refusal} />
        </QuestionForm>
      }
    >
      <Toggle {...REFERENCE} />
      {refusal && <RefusalCard refusal={refusal} />}
      {answer && asked && width && (
        <ComparisonCard answer={answer} width={width} pending={pending} />
      )}
      {question && !refusal && (
        <Figures
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

/** The reference that the reader has chosen. */
function chosenReference(): Reference {
  return toggled(REFERENCE) as Reference;
}

interface ComparisonCardProps {
  answer: CompareToFullPrecisionResponse;
  width: WidthComparison;
  pending: boolean;
}

function ComparisonCard({ answer, width, pending }: ComparisonCardProps) {
  const reference = chosenReference();
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
    { name: 'Tokens to match, beyond the budget', value: tokensToMatch(comparison) },
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

interface PlaneQuestion {
  study: string;
  widths: number[];
  sizes: number[];
  tokens: number[];
}

const SIZE_COUNT = 9;
const TOKEN_COUNT = 9;
const CURVE_POINTS = 17;

/** The comparison at each point of the plane; sizes run fastest. */
function askPlane({ study, widths, sizes, tokens }: PlaneQuestion, options: CallOptions) {
  const points = tokens.flatMap((total) => sizes.map((size) => ({ size, total })));
  return askAll(points, ({ size, total }) => ask(study, widths, size, total, true, options));
}

interface CurvesQuestion {
  study: string;
  widths: number[];
  parameters: number;
  tokens: number[];
}

/** The same along the tokens alone, with intervals. */
function askCurves({ study, widths, parameters, tokens }: CurvesQuestion, options: CallOptions) {
  return askAll(tokens, (total) => ask(study, widths, parameters, total, false, options));
}

function ask(
  study: string,
  weightBits: number[],
  parameters: number,
  totalTokens: number,
  pointOnly: boolean,
  options: CallOptions,
) {
  return planner.compareToFullPrecision(
    {
      source: { source: { case: 'study', value: study } },
      parameters: BigInt(Math.round(parameters)),
      budget: { case: 'totalTokens', value: BigInt(Math.round(totalTokens)) },
      weightBits,
      pointOnly,
    },
    options,
  );
}

interface FiguresProps {
  measured: Measured;
  parameters: number;
  totalTokens: number;
  weightBits: number;
}

function Figures({ measured, parameters, totalTokens, weightBits }: FiguresProps) {
  const study = subject.value!.study.name;
  const reference = chosenReference();
  const axis = tokenAxis();
  const widths = useMemo(
    () => [...new Set([...measured.weightBits, weightBits])].sort((a, b) => a - b),
    [measured, weightBits],
  );
  const [lower, upper] = rangeAround(measured.totalTokens, totalTokens);
  const tokens = useMemo(() => logSpaced(lower, 2 * upper, TOKEN_COUNT), [lower, upper]);
  const curveTokens = useMemo(() => logSpaced(lower, 2 * upper, CURVE_POINTS), [lower, upper]);
  const measuredSizes = [measured.parameters[0]!, measured.parameters.at(-1)!] as const;
  const [leastSize, mostSize] = rangeAround(measuredSizes, parameters);
  const sizes = useMemo(
    () =>
      mostSize > leastSize
        ? logSpaced(leastSize, mostSize, SIZE_COUNT)
        : logSpaced(leastSize / 4, leastSize * 4, SIZE_COUNT),
    [leastSize, mostSize],
  );

  const plane = useAnswer(askPlane, { study, widths, sizes, tokens }, 'figure');
  const curves = useAnswer(askCurves, { study, widths, parameters, tokens: curveTokens }, 'figure');
  const planeChart = useMemo(
    () =>
      plane.answer &&
      plane.question &&
      differencePlane({
        weightBits,
        reference,
        sizes: plane.question.sizes,
        tokens: plane.question.tokens,
        differences: plane.answer.map(({ widths }) => {
          const width = widths.find((w) => w.weightBits === weightBits);
          return width && comparisonOf(width, reference)?.reference?.perplexityDifference?.value;
        }),
        question: { parameters, totalTokens },
      }),
    [plane.answer, weightBits, reference, parameters, totalTokens],
  );
  const curvesChart = useMemo(
    () =>
      curves.answer &&
      curves.question &&
      differenceCurves({
        axis,
        parameters: curves.question.parameters,
        reference,
        points: curves.answer.flatMap((answer) =>
          answer.widths.flatMap((width) => {
            const difference = comparisonOf(width, reference)?.reference?.perplexityDifference;
            return difference
              ? [{ weightBits: width.weightBits, totalTokens: answer.totalTokens, ...difference }]
              : [];
          }),
        ),
        question: { weightBits, totalTokens },
      }),
    [curves.answer, axis, reference, weightBits, totalTokens],
  );
  return (
    <>
      <FigureSlot name="full-precision-plane" chart={planeChart} refusal={plane.refusal} />
      <FigureSlot
        name="full-precision-curves"
        chart={curvesChart?.rows.length === 0 ? undefined : curvesChart}
        refusal={curves.refusal}
      >
        <Toggle {...TOKEN_AXIS} />
      </FigureSlot>
    </>
  );
}

function Tables({ answer }: { answer: CompareToFullPrecisionResponse }) {
  const equalMemory = equalMemoryTable(answer);
  return (
    <>
      <section class="card">
        <h2>At equal tokens</h2>
        <TextTableView table={equalTokensTable(answer)} label="At equal tokens" />
      </section>
      {equalMemory.rows.length > 0 && (
        <section class="card">
          <h2>At equal memory, against the largest full-precision model that fits</h2>
          <TextTableView table={equalMemory} label="At equal memory" />
          <p class="hint">{memoryRuleText(answer.memoryModel!)}</p>
        </section>
      )}
    </>
  );
}
