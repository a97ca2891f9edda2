// Where in the plane of both kinds of tokens does the loss lie?

import type { CallOptions } from '@connectrpc/connect';
import { useMemo } from 'preact/hooks';

import { gridPoints } from '../charts/grid';
import { logTicks } from '../charts/scales';
import { surfaceChart } from '../charts/surface';
import { AXIS_LABELS, tokenScale } from '../charts/token_axis';
import { AnswerCard, RefusalCard, type Fact } from '../components/answer';
import { FigureSlot } from '../components/figure_slot';
import { Inputs, QuestionForm, Toggle, toggled } from '../components/inputs';
import { QuestionAndAnswer } from '../components/layout';
import { MODEL_FIELDS, ModelInputs } from '../components/model_inputs';
import {
  EvaluateGridRequest_Quantity as Quantity,
  GridAxis_Variable as Variable,
  type PredictLossResponse,
} from '../gen/bitbudget/v1/planner_pb';
import { planner } from '../rpc/clients';
import { useRuns } from '../rpc/runs';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { useForm } from '../state/form';
import { count } from '../text/fields';
import { subject } from '../state/study';
import { TOKEN_AXIS } from '../components/token_axis';
import { measuredOf, usualQuestion } from '../state/usual_question';
import { intervalText } from '../text/estimate';
import { formatLoss, formatPercent, formatQuantity, formatReal, words } from '../text/quantity';
import { bitsText } from '../text/widths';

const FIELDS = {
  ...MODEL_FIELDS,
  fpTokens: count('Full-precision tokens', 'tokens'),
  qatTokens: count('QAT tokens', 'tokens'),
};

export default function SurfacePage() {
  const about = subject.value!;
  const measured = measuredOf(about);
  const form = useForm(FIELDS, usualQuestion(about));
  const question = form.values;
  const {
    answer,
    question: asked,
    refusal,
    pending,
  } = useAnswer(
    planner.predictLoss,
    question && { source: currentLaw(about.study.name), ...question },
  );
  const surface = useAnswer(
    askSurface,
    question && {
      study: about.study.name,
      parameters: Number(question.parameters),
      weightBits: question.weightBits,
      fp: around(measured.fpTokens, Number(question.fpTokens)),
      qat: around(measured.qatTokens, Number(question.qatTokens)),
    },
    'figure',
  );
  const { runs } = useRuns();
  const axis = toggled(TOKEN_AXIS);
  const chart = useMemo(() => {
    if (!surface.answer || !surface.question || !question) return undefined;
    const { parameters, weightBits } = surface.question;
    return surfaceChart({
      ...surface.answer,
      tokenScale: tokenScale(axis, parameters, weightBits),
      axisLabel: AXIS_LABELS[axis],
      measured: runs.filter((r) => r.parameters === parameters && r.weightBits === weightBits),
      question: { fpTokens: Number(question.fpTokens), qatTokens: Number(question.qatTokens) },
    });
  }, [surface.answer, question, runs, axis]);

  return (
    <QuestionAndAnswer
      form={
        <QuestionForm>
          <ModelInputs form={form} refusal={refusal} measured={measured} />
          <Inputs form={form} refusal={refusal} names={['fpTokens', 'qatTokens']} />
        </QuestionForm>
      }
    >
      {refusal && <RefusalCard refusal={refusal} />}
      {answer && asked && (
        <AnswerCard
          label="Loss, nats"
          value={formatLoss(answer.lossNats!.value)}
          interval={intervalText(answer.lossNats!, formatLoss)}
          sentence={
            `Expect a loss of ${formatLoss(answer.lossNats!.value)} nats at ` +
            `${bitsText(asked.weightBits)}: ${formatQuantity(Number(asked.parameters))} parameters, ` +
            `${formatQuantity(Number(asked.fpTokens))} tokens in full precision and ` +
            `${formatQuantity(Number(asked.qatTokens))} with QAT.`
          }
          facts={factsOf(answer)}
          provenance={answer.provenance}
          pending={pending}
        />
      )}
      {!refusal && (
        <FigureSlot name="surface" chart={chart} refusal={surface.refusal}>
          <Toggle choice={TOKEN_AXIS} />
        </FigureSlot>
      )}
    </QuestionAndAnswer>
  );
}

function factsOf(answer: PredictLossResponse): Fact[] {
  const { perplexity, predictionInterval, terms, lossNats } = answer;
  const facts: Fact[] = [];
  if (predictionInterval) {
    facts.push({
      name: 'One further run',
      value: `${formatLoss(predictionInterval.lower)} to ${formatLoss(predictionInterval.upper)}`,
    });
  }
  facts.push({
    name: 'Perplexity',
    value: formatReal(perplexity!.value),
    note: intervalText(perplexity!, formatReal),
  });
  facts.push({
    name: 'Tokens per parameter-byte',
    value: formatQuantity(answer.tokensPerParameterByte),
  });
  const shares = terms.map((term) => ({
    name: `Of the loss: ${words(term.name)}`,
    value: formatLoss(term.lossNats),
    note: formatPercent(term.lossNats / lossNats!.value),
  }));
  return [...facts, ...shares];
}

/** The measured range with a margin, and what is asked about in it. */
function around([lower, upper]: [number, number], asked: number) {
  return { lower: Math.min(lower, asked) / 1.4, upper: Math.max(upper, asked) * 1.4 };
}

interface SurfaceQuestion {
  study: string;
  parameters: number;
  weightBits: number;
  fp: { lower: number; upper: number };
  qat: { lower: number; upper: number };
}

const SIDE_POINTS = 48;
const MOST_BUDGETS = 7;

async function askSurface(question: SurfaceQuestion, options: CallOptions) {
  const { study, parameters, weightBits, fp, qat } = question;
  const source = currentLaw(study);
  const totals = logTicks(fp.lower + qat.lower, fp.upper + qat.upper, MOST_BUDGETS);
  const [losses, optima] = await Promise.all([
    planner.evaluateGrid(
      {
        source,
        quantity: Quantity.LOSS_NATS,
        parameters,
        weightBits,
        axes: [
          { variable: Variable.FP_TOKENS, ...fp, count: SIDE_POINTS, logarithmic: true },
          { variable: Variable.QAT_TOKENS, ...qat, count: SIDE_POINTS, logarithmic: true },
        ],
      },
      options,
    ),
    planner.evaluateGrid(
      {
        source,
        quantity: Quantity.OPTIMAL_QAT_FRACTION,
        parameters,
        weightBits,
        axes: [{ variable: Variable.TOTAL_TOKENS, values: totals }],
      },
      options,
    ),
  ]);
  return {
    fpTokens: losses.axes[0]!.values,
    qatTokens: losses.axes[1]!.values,
    losses: gridPoints(losses),
    optima: gridPoints(optima).map(({ at: [totalTokens], value }) => ({
      totalTokens: totalTokens!,
      qatFraction: value,
    })),
  };
}
