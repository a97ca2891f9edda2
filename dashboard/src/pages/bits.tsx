// Which width, under a cap of memory and a budget?

import { useMemo } from 'preact/hooks';

import { memoryChart } from '../charts/widths';
import { AnswerCard, RefusalCard, type Fact } from '../components/answer';
import { Candidates } from '../components/candidates';
import { Figure } from '../components/figure';
import { Input, Inputs, QuestionForm } from '../components/inputs';
import { QuestionAndAnswer } from '../components/layout';
import { MEMORY_FIELDS, MemoryInputs, memoryModelOf } from '../components/model_inputs';
import { TableCard } from '../components/text_table';
import type { OptimizeBitWidthResponse } from '../gen/bitbudget/v1/planner_pb';
import { planner } from '../rpc/clients';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { useForm } from '../state/form';
import { count, list, optional, real } from '../text/fields';
import { subject } from '../state/study';
import { computeRange, measuredOf, middleOf } from '../state/usual_question';
import { intervalText } from '../text/estimate';
import {
  formatBytes,
  formatLoss,
  formatPercent,
  formatQuantity,
  formatSigned,
  formatTokens,
} from '../text/quantity';
import { bitsText, memoryRuleText, memoryTable } from '../text/widths';
import { BitsFigures } from './bits_figures';

const FIELDS = {
  memoryBytes: optional(count('Memory, at most', 'bytes', { atLeast: 1, hint: 'empty: no cap' })),
  computeFlops: real('Compute, FLOPs', 'flops', { above: 0 }),
  parameters: optional(
    count('Parameters', 'parameters', { atLeast: 1, hint: 'empty: the best size is sought' }),
  ),
  widths: list('Bits to consider', 'none', { hint: 'empty: every measured width' }),
  ...MEMORY_FIELDS,
};

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
      source: currentLaw(about.study.name),
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
          <Inputs form={form} refusal={refusal} names={['memoryBytes', 'computeFlops']} />
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
      {answer && <Candidates candidates={answer.candidates} refused={answer.refused} />}
      {values && !refusal && (
        <BitsFigures
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
      <TableCard title={`Memory at ${bitsText(best.weightBits)}`} table={memoryTable(best.memory!)}>
        <p class="hint">{memoryRuleText(answer.memoryModel!)}</p>
      </TableCard>
    </>
  );
}
