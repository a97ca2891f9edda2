// The figures of the page Bits, and what they ask the server.

import { Code, ConnectError, type CallOptions } from '@connectrpc/connect';
import { useMemo } from 'preact/hooks';

import { bestWidthPlane, chancesChart, type WidthCell } from '../charts/best_width';
import { logSpaced } from '../charts/scales';
import { FigureSlot } from '../components/figure_slot';
import type { memoryModelOf } from '../components/model_inputs';
import { askAll } from '../rpc/batch';
import { planner } from '../rpc/clients';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { subject } from '../state/study';
import { computeRange, rangeAround, type Measured } from '../state/usual_question';

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
          source: currentLaw(study),
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
        source: currentLaw(study),
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

export function BitsFigures(props: FiguresProps) {
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
