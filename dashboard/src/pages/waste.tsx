// What does a habitual split cost?

import type { CallOptions } from '@connectrpc/connect';
import { useMemo } from 'preact/hooks';

import { wasteChart, type WasteCurve } from '../charts/waste';
import { AnswerCard, RefusalCard, type Fact } from '../components/answer';
import { FigureSlot } from '../components/figure_slot';
import { Inputs, QuestionForm, Toggle, toggled } from '../components/inputs';
import { QuestionAndAnswer } from '../components/layout';
import {
  HARDWARE_FIELDS,
  HardwareInputs,
  hardwareOf,
  MODEL_FIELDS,
  ModelInputs,
} from '../components/model_inputs';
import { TOKEN_AXIS } from '../components/token_axis';
import type { BudgetWaste, EstimateWasteResponse } from '../gen/bitbudget/v1/planner_pb';
import { planner } from '../rpc/clients';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { useForm } from '../state/form';
import { count, real } from '../text/fields';
import { subject } from '../state/study';
import { measuredOf, rangeAround, usualQuestion } from '../state/usual_question';
import { intervalText, mayBeZero, wasteText, type Interval } from '../text/estimate';
import { formatLoss, formatPercent, formatQuantity, formatShare } from '../text/quantity';
import { hardwareText } from '../text/plan';
import { bitsText } from '../text/widths';

const FIELDS = {
  ...MODEL_FIELDS,
  qatFraction: real('Your split, QAT of all', 'share', { above: 0, below: 1 }),
  totalTokens: count('Budget, all tokens', 'tokens', { atLeast: 2 }),
  ...HARDWARE_FIELDS,
};

export default function WastePage() {
  const about = subject.value!;
  const measured = useMemo(() => measuredOf(about), [about]);
  const form = useForm(FIELDS, { ...usualQuestion(about), qatFraction: '10%' });
  const question = form.values;
  const { devices = [] } = useAnswer(planner.listDevices, {}).answer ?? {};
  const {
    answer,
    question: asked,
    refusal,
    pending,
  } = useAnswer(
    planner.estimateWaste,
    question && {
      source: currentLaw(about.study.name),
      parameters: question.parameters,
      weightBits: question.weightBits,
      qatFraction: question.qatFraction,
      totalTokens: [question.totalTokens],
      hardware: hardwareOf(question),
    },
  );
  const curves = useAnswer(
    askCurves,
    question && {
      study: about.study.name,
      parameters: question.parameters,
      qatFraction: question.qatFraction,
      widths: [...new Set([...measured.weightBits, question.weightBits])].sort((a, b) => a - b),
      tokens: rangeAround(measured.totalTokens, Number(question.totalTokens)),
    },
    'figure',
  );
  const axis = toggled(TOKEN_AXIS);
  const chart = useMemo(
    () =>
      curves.answer &&
      curves.question &&
      question &&
      wasteChart({
        axis,
        parameters: Number(curves.question.parameters),
        callerFraction: curves.question.qatFraction,
        curves: curves.answer,
        question: {
          weightBits: question.weightBits,
          totalTokens: Number(question.totalTokens),
        },
      }),
    [curves.answer, question, axis],
  );

  return (
    <QuestionAndAnswer
      form={
        <QuestionForm>
          <ModelInputs form={form} refusal={refusal} measured={measured} />
          <Inputs form={form} refusal={refusal} names={['qatFraction', 'totalTokens']} />
          <HardwareInputs form={form} refusal={refusal} devices={devices} />
        </QuestionForm>
      }
    >
      {refusal && <RefusalCard refusal={refusal} />}
      {answer && asked && (
        <WasteCard answer={answer} weightBits={asked.weightBits} pending={pending} />
      )}
      {!refusal && (
        <FigureSlot name="waste" chart={chart} refusal={curves.refusal}>
          <Toggle choice={TOKEN_AXIS} />
        </FigureSlot>
      )}
    </QuestionAndAnswer>
  );
}

interface WasteCardProps {
  answer: EstimateWasteResponse;
  weightBits: number;
  pending: boolean;
}

function WasteCard({ answer, weightBits, pending }: WasteCardProps) {
  const [budget] = answer.budgets as [BudgetWaste];
  const waste = budget.wastedTokenFraction!;
  // The point value would be taken for a fact that the data do not tell.
  const isTold = !mayBeZero(waste);
  return (
    <AnswerCard
      label="Wasted, of the tokens"
      value={wasteText(waste).value}
      interval={
        isTold ? intervalText(waste, formatShare) : `0 % to ${formatShare(waste.upper ?? 0)}`
      }
      sentence={
        `By the law itself (nobody has measured it), ${formatPercent(answer.qatFraction)} QAT of ` +
        `${formatQuantity(budget.budgetTokens)} tokens at ${bitsText(weightBits)} ` +
        (isTold
          ? `reaches what the best split reaches with ${formatPercent(1 - waste.value)} of them.`
          : 'may be as good as the best split: the data do not tell them apart.')
      }
      facts={factsOf(budget)}
      provenance={answer.provenance}
      pending={pending}
    >
      {answer.hardware && <p>{hardwareText(answer.hardware)}</p>}
    </AnswerCard>
  );
}

function factsOf(budget: BudgetWaste): Fact[] {
  const amounts: [string, Interval | undefined][] = [
    ['Wasted tokens', budget.wastedTokens],
    ['Wasted FLOPs', budget.wastedFlops],
    ['Wasted device hours', budget.wastedDeviceHours],
    ['Wasted money', budget.wastedMoney],
  ];
  const wastes = amounts.flatMap(([name, amount]) =>
    amount
      ? [{ name, value: formatQuantity(amount.value), note: intervalText(amount, formatQuantity) }]
      : [],
  );
  return [
    ...wastes,
    { name: 'Best QAT fraction', value: formatShare(budget.bestQatFraction) },
    { name: 'Best loss', value: `${formatLoss(budget.bestLossNats)} nats` },
    {
      name: 'Loss with your split',
      value: `${formatLoss(budget.lossNats!.value)} nats`,
      note: intervalText(budget.lossNats!, formatLoss),
    },
  ];
}

interface CurvesQuestion {
  study: string;
  parameters: bigint;
  qatFraction: number;
  widths: number[];
  tokens: [number, number];
}

const CURVE_POINTS = 30;

/** Waste over the budgets, a curve for each width. */
function askCurves(question: CurvesQuestion, options: CallOptions): Promise<WasteCurve[]> {
  const { study, parameters, qatFraction, widths, tokens } = question;
  return Promise.all(
    widths.map(async (weightBits) => {
      const range = {
        lower: BigInt(Math.max(2, Math.round(tokens[0]))),
        upper: BigInt(Math.round(2 * tokens[1])),
        count: CURVE_POINTS,
      };
      const source = currentLaw(study);
      const { budgets } = await planner.estimateWaste(
        { source, parameters, weightBits, qatFraction, range },
        options,
      );
      const points = budgets.map((budget) => ({
        totalTokens: budget.budgetTokens,
        waste: budget.wastedTokenFraction!,
      }));
      return { weightBits, points };
    }),
  );
}
