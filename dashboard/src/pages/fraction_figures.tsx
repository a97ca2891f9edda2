// The figures of the page Fraction, and what they ask the server.

import type { CallOptions } from '@connectrpc/connect';
import { useMemo } from 'preact/hooks';

import { lossChart, optimaChart, type FractionPoint, type LossPoint } from '../charts/fraction';
import { gridPoints } from '../charts/grid';
import { measuredOptima, totalTokens, type Run } from '../charts/measured_optima';
import { levelsOf, linearSpaced } from '../charts/scales';
import { FigureSlot } from '../components/figure_slot';
import { Toggle, toggled } from '../components/inputs';
import { TOKEN_AXIS } from '../components/token_axis';
import {
  EvaluateGridRequest_Quantity as Quantity,
  GridAxis_Variable as Variable,
  type OptimizeQatFractionResponse,
} from '../gen/bitbudget/v1/planner_pb';
import { planner } from '../rpc/clients';
import { currentLaw } from '../rpc/source';
import { useRuns } from '../rpc/runs';
import { useAnswer } from '../rpc/use_answer';
import { subject } from '../state/study';
import { measuredOf } from '../state/usual_question';

interface FiguresProps {
  parameters: number;
  weightBits: number;
  totalTokens: number;
  answer: OptimizeQatFractionResponse | undefined;
}

export function FractionFigures(props: FiguresProps) {
  return (
    <>
      <BestFractions {...props} />
      <Losses {...props} />
    </>
  );
}

function BestFractions({ parameters, weightBits, totalTokens: asked }: FiguresProps) {
  const about = subject.value!;
  const study = about.study.name;
  const measured = useMemo(() => measuredOf(about), [about]);
  const { runs } = useRuns();
  const optima = useMemo(() => measuredOptima(runs), [runs]);
  const axis = toggled(TOKEN_AXIS);
  const tokens = {
    lower: Math.min(measured.totalTokens[0], asked) / 1.5,
    upper: Math.max(measured.totalTokens[1], asked) * 1.5,
  };

  // All sizes and widths, which another question leaves as they are; and those asked about.
  const { parameters: sizes, weightBits: widths } = measured;
  const lines = useAnswer(askLines, { study, sizes, widths, tokens }, 'figure');
  const band = useAnswer(askBand, { study, parameters, weightBits, tokens }, 'figure');
  const chart = useMemo(
    () =>
      lines.answer &&
      band.answer &&
      band.question &&
      optimaChart({
        axis,
        sizes,
        widths,
        predicted: lines.answer,
        asked: band.answer,
        question: { ...band.question, totalTokens: asked },
        measured: optima,
      }),
    [axis, measured, lines.answer, band.answer, asked, optima],
  );
  return (
    <FigureSlot name="best-fraction" chart={chart} refusal={lines.refusal ?? band.refusal}>
      <Toggle choice={TOKEN_AXIS} />
    </FigureSlot>
  );
}

function Losses({ parameters, weightBits, totalTokens: asked, answer }: FiguresProps) {
  const study = subject.value!.study.name;
  const { runs } = useRuns();
  const budgets = useMemo(
    () => budgetsOf(runsAt(runs, parameters, weightBits), asked),
    [runs, parameters, weightBits, asked],
  );
  const losses = useAnswer(askLosses, { study, parameters, weightBits, budgets, asked }, 'figure');
  const chart = useMemo(() => {
    if (!losses.answer || !losses.question) return undefined;
    const { parameters, weightBits, budgets, asked } = losses.question;
    return lossChart({
      budgets,
      asked,
      predicted: losses.answer,
      measured: runsAt(runs, parameters, weightBits),
      flatRange: answer?.flatRange,
      best:
        answer?.qatFraction && answer.lossNats
          ? { qatFraction: answer.qatFraction.value, lossNats: answer.lossNats.value }
          : undefined,
    });
  }, [losses.answer, runs, answer]);
  return <FigureSlot name="loss-by-fraction" chart={chart} refusal={losses.refusal} />;
}

function runsAt(runs: readonly Run[], parameters: number, weightBits: number): Run[] {
  return runs.filter((run) => run.parameters === parameters && run.weightBits === weightBits);
}

/** Budgets to draw: those measured, four times apart around the one asked about without any. */
function budgetsOf(runs: readonly Run[], asked: number): number[] {
  const measured = levelsOf(runs.map(totalTokens));
  const others = measured.length > 0 ? measured : [asked / 16, asked / 4, asked * 4, asked * 16];
  return levelsOf([...others.filter((budget) => Math.abs(budget / asked - 1) > 0.01), asked]);
}

interface Tokens {
  lower: number;
  upper: number;
}

const CURVE_POINTS = 25;

/** The law's best fractions at one width: a line for each size. */
async function askFractions(
  study: string,
  sizes: number[],
  weightBits: number,
  tokens: Tokens,
  withIntervals: boolean,
  options: CallOptions,
): Promise<FractionPoint[]> {
  const grid = await planner.evaluateGrid(
    {
      source: currentLaw(study),
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
  return gridPoints(grid).map(({ at: [parameters, totalTokens], ...point }) => ({
    ...point,
    weightBits,
    parameters: parameters!,
    totalTokens: totalTokens!,
  }));
}

interface LinesQuestion {
  study: string;
  sizes: number[];
  widths: number[];
  tokens: Tokens;
}

async function askLines({ study, sizes, widths, tokens }: LinesQuestion, options: CallOptions) {
  const lines = widths.map((bits) => askFractions(study, sizes, bits, tokens, false, options));
  return (await Promise.all(lines)).flat();
}

interface BandQuestion {
  study: string;
  parameters: number;
  weightBits: number;
  tokens: Tokens;
}

function askBand({ study, parameters, weightBits, tokens }: BandQuestion, options: CallOptions) {
  return askFractions(study, [parameters], weightBits, tokens, true, options);
}

interface LossesQuestion {
  study: string;
  parameters: number;
  weightBits: number;
  budgets: number[];
  /** One of them. */
  asked: number;
}

const FRACTIONS = linearSpaced(0.01, 0.97, 65);

async function askLosses(question: LossesQuestion, options: CallOptions): Promise<LossPoint[]> {
  const { study, parameters, weightBits, budgets } = question;
  const grid = await planner.evaluateGrid(
    {
      source: currentLaw(study),
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
