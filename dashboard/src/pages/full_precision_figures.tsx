// The figures of the page Against full precision, and what they ask the server.

import type { CallOptions } from '@connectrpc/connect';
import { useMemo } from 'preact/hooks';

import { comparisonOf, differenceCurves, differencePlane } from '../charts/full_precision';
import { logSpaced } from '../charts/scales';
import { FigureSlot } from '../components/figure_slot';
import { Toggle, toggled } from '../components/inputs';
import { REFERENCE } from '../components/reference';
import { TOKEN_AXIS } from '../components/token_axis';
import { askAll } from '../rpc/batch';
import { planner } from '../rpc/clients';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { subject } from '../state/study';
import { rangeAround, type Measured } from '../state/usual_question';

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
      source: currentLaw(study),
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

export function FullPrecisionFigures({
  measured,
  parameters,
  totalTokens,
  weightBits,
}: FiguresProps) {
  const study = subject.value!.study.name;
  const reference = toggled(REFERENCE);
  const axis = toggled(TOKEN_AXIS);
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
        <Toggle choice={TOKEN_AXIS} />
      </FigureSlot>
    </>
  );
}
