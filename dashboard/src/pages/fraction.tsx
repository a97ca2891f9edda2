// What share of the tokens should be QAT?

import type { CallOptions } from '@connectrpc/connect';
import { useMemo } from 'preact/hooks';

import { lossChart, optimaChart, type FractionPoint, type LossPoint } from '../charts/fraction';
import { gridPoints } from '../charts/grid';
import { measuredOptima, totalTokens, type Run } from '../charts/measured_optima';
import { levelsOf, linearSpaced } from '../charts/scales';
import { AnswerCard, RefusalCard, type Fact } from '../components/answer';
import { Figure } from '../components/figure';
import { Input, QuestionForm, Toggle } from '../components/inputs';
import { QuestionAndAnswer } from '../components/layout';
import {
  CooldownAdvice_Advice,
  EvaluateGridRequest_Quantity as Quantity,
  GridAxis_Variable as Variable,
  type OptimizeQatFractionResponse,
} from '../gen/bitbudget/v1/planner_pb';
import { planner } from '../rpc/clients';
import { useRuns } from '../rpc/runs';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { count, real, useForm } from '../state/form';
import { subject } from '../state/study';
import { TOKEN_AXIS, tokenAxis } from '../components/token_axis';
import { measuredOf, usualQuestion } from '../state/usual_question';
import { intervalText, mayBeZero, withInterval } from '../text/estimate';
import {
  formatLoss,
  formatPercent,
  formatQuantity,
  formatReal,
  formatShare,
  formatTokens,
} from '../text/quantity';

const FIELDS = {
  parameters: count('Parameters', 'parameters'),
  weightBits: real('Bits per weight', 'none', { atLeast: 1, below: 16 }),
  totalTokens: count('Budget, all tokens', 'tokens', { atLeast: 2 }),
  callerFraction: real('Your split, QAT of all', 'share', { above: 0, below: 1 }),
};

export default function FractionPage() {
  const about = subject.value!;
  const law = currentLaw(about);
  const measured = useMemo(() => measuredOf(about), [about]);
  const form = useForm(FIELDS, { ...usualQuestion(about), callerFraction: '10%' });
  const question = form.values;

  const { answer, refusal, pending } = useAnswer(
    planner.optimizeQatFraction,
    question && {
      source: law,
      parameters: question.parameters,
      weightBits: question.weightBits,
      budget: { case: 'totalTokens' as const, value: question.totalTokens },
      callerFraction: question.callerFraction,
    },
  );
  const problems = refusal?.fieldProblems ?? {};

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
          <Input form={form} name="callerFraction" problem={problems.callerFraction} />
        </QuestionForm>
      }
    >
      {refusal && <RefusalCard refusal={refusal} />}
      {answer && <FractionCard answer={answer} pending={pending} />}
      {question && (
        <Figures
          parameters={Number(question.parameters)}
          weightBits={question.weightBits}
          totalTokens={Number(question.totalTokens)}
          answer={answer}
        />
      )}
    </QuestionAndAnswer>
  );
}

function FractionCard({
  answer,
  pending,
}: {
  answer: OptimizeQatFractionResponse;
  pending: boolean;
}) {
  const fraction = answer.qatFraction!;
  return (
    <AnswerCard
      label="Best QAT fraction"
      value={formatShare(fraction.value)}
      interval={intervalText(fraction, formatShare)}
      sentence={sentenceOf(answer)}
      facts={factsOf(answer)}
      provenance={answer.provenance}
      pending={pending}
    >
      <p class="advice">{cooldownText(answer)}</p>
    </AnswerCard>
  );
}

function sentenceOf({ qatFraction, fpTokens, qatTokens, lossNats }: OptimizeQatFractionResponse) {
  const loss = lossNats ? `; expected loss ${formatLoss(lossNats.value)} nats` : '';
  return (
    `Spend ${formatShare(qatFraction!.value)} of the tokens on QAT: ${formatTokens(fpTokens)} in ` +
    `full precision, then ${formatTokens(qatTokens)} with QAT${loss}.`
  );
}

function factsOf(answer: OptimizeQatFractionResponse): Fact[] {
  const facts: Fact[] = [];
  const { lossNats, flatRange, callerSplit } = answer;
  if (lossNats) {
    facts.push({
      name: 'Loss',
      value: `${formatLoss(lossNats.value)} nats`,
      note: intervalText(lossNats, formatLoss),
    });
    facts.push({
      name: `As good within ${formatReal(answer.lossToleranceNats)} nats`,
      value: flatRange
        ? `${formatShare(flatRange.lower)} to ${formatShare(flatRange.upper)}`
        : 'not told',
    });
  }
  if (callerSplit?.wastedTokenFraction) {
    const waste = callerSplit.wastedTokenFraction;
    const whose = `${formatPercent(callerSplit.qatFraction)} QAT wastes, of the tokens`;
    facts.push(
      // The point value would be taken for a fact that the data do not tell.
      mayBeZero(waste)
        ? { name: whose, value: 'not told from 0', note: `up to ${formatShare(waste.upper ?? 0)}` }
        : {
            name: whose,
            value: formatShare(waste.value),
            note: intervalText(waste, formatShare),
          },
    );
    facts.push({
      name: 'Its loss above the best',
      value: withInterval(callerSplit.excessLossNats!, formatReal),
    });
  }
  facts.push({
    name: 'Tokens per parameter-byte',
    value: formatQuantity(answer.tokensPerParameterByte),
  });
  return facts;
}

function cooldownText({ cooldown }: OptimizeQatFractionResponse): string {
  switch (cooldown?.advice) {
    case CooldownAdvice_Advice.FUSE:
      return `Cooldown: fuse it into QAT. ${cooldown.reason}`;
    case CooldownAdvice_Advice.KEEP_CLASSIC:
      return `Cooldown: in full precision, before QAT. ${cooldown.reason}`;
    case CooldownAdvice_Advice.UNDECIDED:
      return `Cooldown: undecided. ${cooldown.reason}`;
    default:
      return '';
  }
}

interface CurvesQuestion {
  study: string;
  parameters: number;
  weightBits: number;
  sizes: number[];
  widths: number[];
  tokens: { lower: number; upper: number };
}

const CURVE_POINTS = 25;

/** The law's best fractions: a line for each size and width, a band for those asked about. */
async function askCurves(question: CurvesQuestion, options: CallOptions) {
  const { parameters, weightBits, sizes, widths, tokens, study } = question;
  const ask = async (sizes: number[], weightBits: number, withIntervals: boolean) => {
    const grid = await planner.evaluateGrid(
      {
        source: { source: { case: 'study', value: study } },
        quantity: Quantity.OPTIMAL_QAT_FRACTION,
        weightBits,
        axes: [
          { variable: Variable.PARAMETERS, values: sizes },
          { variable: Variable.TOTAL_TOKENS, ...tokens, count: CURVE_POINTS, logarithmic: true },
        ],
        withIntervals,
      },
      options,
    );
    return gridPoints(grid).map(({ at: [parameters, totalTokens], ...point }): FractionPoint => ({
      ...point,
      weightBits,
      parameters: parameters!,
      totalTokens: totalTokens!,
    }));
  };
  const [asked, ...lines] = await Promise.all([
    ask([parameters], weightBits, true),
    ...widths.map((bits) => ask(sizes, bits, false)),
  ]);
  return { asked: asked!, predicted: lines.flat() };
}

interface LossesQuestion {
  study: string;
  parameters: number;
  weightBits: number;
  budgets: number[];
}

const FRACTIONS = linearSpaced(0.01, 0.97, 65);

async function askLosses(question: LossesQuestion, options: CallOptions): Promise<LossPoint[]> {
  const { study, parameters, weightBits, budgets } = question;
  const grid = await planner.evaluateGrid(
    {
      source: { source: { case: 'study', value: study } },
      quantity: Quantity.LOSS_NATS,
      parameters,
      weightBits,
      axes: [
        { variable: Variable.TOTAL_TOKENS, values: budgets },
        { variable: Variable.QAT_FRACTION, values: FRACTIONS },
      ],
    },
    options,
  );
  return gridPoints(grid).map(({ at: [totalTokens, qatFraction], value }) => ({
    totalTokens: totalTokens!,
    qatFraction: qatFraction!,
    lossNats: value,
  }));
}

interface FiguresProps {
  parameters: number;
  weightBits: number;
  totalTokens: number;
  answer: OptimizeQatFractionResponse | undefined;
}

/** Budgets to draw: those measured, four times apart around the one asked about without any. */
function budgetsOf(runs: readonly Run[], asked: number): number[] {
  const measured = levelsOf(runs.map(totalTokens));
  const others = measured.length > 0 ? measured : [asked / 16, asked / 4, asked * 4, asked * 16];
  return levelsOf([...others.filter((budget) => Math.abs(budget / asked - 1) > 0.01), asked]);
}

function Figures({ parameters, weightBits, totalTokens: asked, answer }: FiguresProps) {
  const about = subject.value!;
  const study = about.study.name;
  const measured = useMemo(() => measuredOf(about), [about]);
  const { runs } = useRuns();
  const optima = useMemo(() => measuredOptima(runs), [runs]);
  const axis = tokenAxis();

  const curves = useAnswer(
    askCurves,
    {
      study,
      parameters,
      weightBits,
      sizes: measured.parameters,
      widths: measured.weightBits,
      tokens: {
        lower: Math.min(measured.totalTokens[0], asked) / 1.5,
        upper: Math.max(measured.totalTokens[1], asked) * 1.5,
      },
    },
    'figure',
  );
  const alike = useMemo(
    () => runs.filter((run) => run.parameters === parameters && run.weightBits === weightBits),
    [runs, parameters, weightBits],
  );
  const budgets = useMemo(() => budgetsOf(alike, asked), [alike, asked]);
  const losses = useAnswer(askLosses, { study, parameters, weightBits, budgets }, 'figure');

  const optimaFigure = useMemo(
    () =>
      curves.answer &&
      optimaChart({
        axis,
        sizes: measured.parameters,
        widths: measured.weightBits,
        ...curves.answer,
        question: {
          parameters: curves.question!.parameters,
          weightBits: curves.question!.weightBits,
          totalTokens: asked,
        },
        measured: optima,
      }),
    [axis, measured, curves.answer, asked, optima],
  );
  const lossFigure = useMemo(
    () =>
      losses.answer &&
      lossChart({
        budgets: losses.question!.budgets,
        asked,
        predicted: losses.answer,
        measured: alike,
        flatRange: answer?.flatRange,
        best:
          answer?.qatFraction && answer.lossNats
            ? { qatFraction: answer.qatFraction.value, lossNats: answer.lossNats.value }
            : undefined,
      }),
    [losses.answer, asked, alike, answer],
  );

  return (
    <>
      {optimaFigure && (
        <Figure name="best-fraction" chart={optimaFigure}>
          <Toggle {...TOKEN_AXIS} />
        </Figure>
      )}
      {lossFigure && <Figure name="loss-by-fraction" chart={lossFigure} />}
    </>
  );
}
