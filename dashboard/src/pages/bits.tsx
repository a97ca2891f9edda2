// Which width, under a cap of memory and a budget?

import { Code, ConnectError, type CallOptions } from '@connectrpc/connect';
import { useMemo } from 'preact/hooks';

import { bestWidthPlane, chancesChart, type WidthCell } from '../charts/best_width';
import { logSpaced } from '../charts/scales';
import { memoryChart } from '../charts/widths';
import { AnswerCard, RefusalCard, type Fact } from '../components/answer';
import { Figure } from '../components/figure';
import { FigureSlot } from '../components/figure_slot';
import { Input, QuestionForm } from '../components/inputs';
import { QuestionAndAnswer } from '../components/layout';
import { MEMORY_FIELDS, MemoryInputs, memoryModelOf } from '../components/model_inputs';
import { TextTableView } from '../components/text_table';
import type { OptimizeBitWidthResponse } from '../gen/bitbudget/v1/planner_pb';
import { askAll } from '../rpc/batch';
import { planner } from '../rpc/clients';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { useForm } from '../state/form';
import { count, list, optional, real } from '../text/fields';
import { subject } from '../state/study';
import { measuredOf, middleOf, rangeAround, type Measured } from '../state/usual_question';
import { intervalText } from '../text/estimate';
import {
  formatBytes,
  formatLoss,
  formatPercent,
  formatQuantity,
  formatSigned,
  formatTokens,
} from '../text/quantity';
import {
  bitsText,
  candidateRemarks,
  candidateTable,
  memoryRuleText,
  memoryTable,
} from '../text/widths';

const FIELDS = {
  memoryBytes: optional(count('Memory, at most', 'bytes', { atLeast: 1, hint: 'empty: no cap' })),
  computeFlops: real('Compute, FLOPs', 'flops', { above: 0 }),
  parameters: optional(
    count('Parameters', 'parameters', { atLeast: 1, hint: 'empty: the best size is sought' }),
  ),
  widths: list('Bits to consider', 'none', { hint: 'empty: every measured width' }),
  ...MEMORY_FIELDS,
};

/** 6 FLOPs a parameter and token. */
function computeRange({ parameters, totalTokens }: Measured): [number, number] {
  return [6 * parameters[0]! * totalTokens[0], 6 * parameters.at(-1)! * totalTokens[1]];
}

export default function BitsPage() {
  const about = subject.value!;
  const measured = useMemo(() => measuredOf(about), [about]);
  const form = useForm(FIELDS, { computeFlops: middleOf(computeRange(measured)) });
  const { values } = form;
  const {
    answer,
    question: asked,
    refusal,
    pending,
  } = useAnswer(
    planner.optimizeBitWidth,
    values && {
      source: currentLaw(about),
      memoryBytes: values.memoryBytes,
      budget: { case: 'computeFlops' as const, value: values.computeFlops },
      parameters: values.parameters,
      weightBits: values.widths,
      memoryModel: memoryModelOf(values),
    },
  );
  const problems = refusal?.fieldProblems ?? {};

  return (
    <QuestionAndAnswer
      form={
        <QuestionForm>
          <Input form={form} name="memoryBytes" problem={problems.memoryBytes} />
          <Input form={form} name="computeFlops" problem={problems.computeFlops} />
          <Input
            form={form}
            name="parameters"
            problem={problems.parameters}
            suggestions={measured.parameters.map(String)}
          />
          <Input form={form} name="widths" problem={problems.weightBits} />
          <MemoryInputs form={form} refusal={refusal} />
        </QuestionForm>
      }
    >
      {refusal && <RefusalCard refusal={refusal} />}
      {answer && <BitsCard answer={answer} pending={pending} />}
      {answer && (
        <section class="card">
          <h2>Widths compared</h2>
          <TextTableView table={candidateTable(answer.candidates)} label="Widths compared" />
          {candidateRemarks(answer.candidates, answer.refused).map((remark) => (
            <p key={remark}>{remark}</p>
          ))}
        </section>
      )}
      {values && !refusal && (
        <Figures
          measured={measured}
          parameters={values.parameters}
          widths={values.widths}
          memoryModel={memoryModelOf(values)}
          memoryBytes={values.memoryBytes === undefined ? undefined : Number(values.memoryBytes)}
          computeFlops={values.computeFlops}
        />
      )}
      {answer && asked && <Memory answer={answer} />}
    </QuestionAndAnswer>
  );
}

function BitsCard({ answer, pending }: { answer: OptimizeBitWidthResponse; pending: boolean }) {
  const best = answer.candidates[0]!;
  const { runnerUpLossNats } = answer;
  const facts: Fact[] = [
    {
      name: 'Expected loss, nats',
      value: formatLoss(best.lossNats!.value),
      note: intervalText(best.lossNats!, formatLoss),
    },
    { name: 'Parameters', value: formatQuantity(best.parameters) },
    {
      name: 'QAT fraction',
      value: formatPercent(best.qatFraction!.value),
      note: intervalText(best.qatFraction!, formatPercent),
    },
    { name: 'Memory when served', value: formatBytes(best.memory!.totalBytes) },
  ];
  if (runnerUpLossNats) {
    facts.push({
      name: 'The second best costs, nats',
      value: formatSigned(runnerUpLossNats.value),
      note: intervalText(runnerUpLossNats, formatSigned),
    });
  }
  return (
    <AnswerCard
      label="Best width"
      value={bitsText(best.weightBits)}
      // Of a choice there is no interval; how sure it is stands in its place.
      certainty={
        best.probabilityBest === undefined
          ? undefined
          : `best of all with probability ${formatPercent(best.probabilityBest)}`
      }
      sentence={
        `Train at ${bitsText(best.weightBits)}: ${formatQuantity(best.parameters)} parameters, ` +
        `${formatTokens(best.fpTokens)} tokens in full precision and ` +
        `${formatTokens(best.qatTokens)} with QAT; expected loss ` +
        `${formatLoss(best.lossNats!.value)} nats.` +
        (best.isTie ? ' The data do not tell it from the widths that it is tied with.' : '')
      }
      facts={facts}
      provenance={answer.provenance}
      pending={pending}
    />
  );
}

function Memory({ answer }: { answer: OptimizeBitWidthResponse }) {
  const best = answer.candidates[0]!;
  const chart = useMemo(() => memoryChart(answer.candidates), [answer]);
  return (
    <>
      <Figure name="memory" chart={chart} />
      <section class="card">
        <h2>Memory at {bitsText(best.weightBits)}</h2>
        <TextTableView
          table={memoryTable(best.memory!)}
          label={`Memory at ${bitsText(best.weightBits)}`}
        />
        <p class="hint">{memoryRuleText(answer.memoryModel!)}</p>
      </section>
    </>
  );
}

interface CellsQuestion {
  study: string;
  parameters: bigint | undefined;
  widths: number[];
  memoryModel: ReturnType<typeof memoryModelOf>;
  memories: number[];
  budgets: number[];
}

const DRAWS = 300;

/** The best width at each point of the plane; memories run fastest. */
function askCells(question: CellsQuestion, options: CallOptions): Promise<WidthCell[]> {
  const { study, parameters, widths, memoryModel, memories, budgets } = question;
  const points = budgets.flatMap((computeFlops) =>
    memories.map((memoryBytes) => ({ memoryBytes, computeFlops })),
  );
  return askAll(points, async (point) => {
    try {
      const { candidates } = await planner.optimizeBitWidth(
        {
          source: { source: { case: 'study', value: study } },
          memoryBytes: BigInt(Math.round(point.memoryBytes)),
          budget: { case: 'computeFlops', value: point.computeFlops },
          parameters,
          weightBits: widths,
          memoryModel,
          drawCount: DRAWS,
        },
        options,
      );
      return {
        ...point,
        lossNats: candidates[0]!.lossNats!.value,
        chances: candidates.map(({ weightBits, probabilityBest }) => ({
          weightBits,
          probability: probabilityBest ?? 0,
        })),
      };
    } catch (error) {
      // No model fits so small a memory.
      if (ConnectError.from(error).code !== Code.OutOfRange) throw error;
      return { ...point, chances: [] };
    }
  });
}

interface FiguresProps {
  measured: Measured;
  parameters: bigint | undefined;
  widths: number[];
  memoryModel: ReturnType<typeof memoryModelOf>;
  memoryBytes: number | undefined;
  computeFlops: number;
}

/** Cells along each axis of the plane. */
const COLUMNS = 10;
const ROWS = 7;

/** What the best models take without a cap, at both ends of the compute. */
function useUncapped(question: Omit<CellsQuestion, 'memories'>) {
  return useAnswer(askUncapped, question, 'figure');
}

async function askUncapped(
  { study, parameters, widths, memoryModel, budgets }: Omit<CellsQuestion, 'memories'>,
  options: CallOptions,
): Promise<[number, number]> {
  const answers = await askAll([budgets[0]!, budgets.at(-1)!], (value) =>
    planner.optimizeBitWidth(
      {
        source: { source: { case: 'study', value: study } },
        budget: { case: 'computeFlops', value },
        parameters,
        weightBits: widths,
        memoryModel,
        pointOnly: true,
      },
      options,
    ),
  );
  const bytes = answers.flatMap(({ candidates }) => candidates.map((c) => c.memory!.totalBytes));
  return [Math.min(...bytes), Math.max(...bytes)];
}

function Figures(props: FiguresProps) {
  const { measured, parameters, widths, memoryModel, memoryBytes, computeFlops } = props;
  const study = subject.value!.study.name;
  const [leastCompute, mostCompute] = rangeAround(computeRange(measured), computeFlops);
  const budgets = useMemo(
    () => logSpaced(leastCompute, mostCompute, ROWS),
    [leastCompute, mostCompute],
  );
  const uncapped = useUncapped({ study, parameters, widths, memoryModel, budgets });
  // Below what the smallest needs, up to where no cap matters.
  const least = Math.min((uncapped.answer?.[0] ?? 1) / 3, memoryBytes ?? Infinity);
  const most = Math.max((uncapped.answer?.[1] ?? 1) * 1.2, memoryBytes ?? 0);
  const memories = useMemo(() => logSpaced(least, most, COLUMNS), [least, most]);
  const common = { study, parameters, widths, memoryModel, memories };

  const plane = useAnswer(askCells, uncapped.answer && { ...common, budgets }, 'figure');
  const row = useAnswer(
    askCells,
    uncapped.answer && { ...common, budgets: [computeFlops] },
    'figure',
  );
  const considered = widths.length > 0 ? [...widths].sort((a, b) => a - b) : measured.weightBits;
  const planeChart = useMemo(
    () =>
      plane.answer &&
      plane.question &&
      bestWidthPlane({
        memories: plane.question.memories,
        budgets: plane.question.budgets,
        cells: plane.answer,
        widths: considered,
        question: { memoryBytes, computeFlops },
      }),
    [plane.answer, memoryBytes, computeFlops],
  );
  const chances = useMemo(
    () =>
      row.answer && row.question && chancesChart(row.answer, considered, row.question.budgets[0]!),
    [row.answer],
  );
  return (
    <>
      <FigureSlot
        name="best-width"
        chart={planeChart}
        refusal={uncapped.refusal ?? plane.refusal}
      />
      <FigureSlot name="width-probability" chart={chances} refusal={row.refusal} />
    </>
  );
}
