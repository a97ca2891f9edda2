// A whole plan: bits, size, split, steps, schedule, memory, cost.

import { useMemo } from 'preact/hooks';

import { scheduleChart } from '../charts/schedule';
import { memoryChart, widthLossChart } from '../charts/widths';
import { AnswerCard, RefusalCard } from '../components/answer';
import { Candidates } from '../components/candidates';
import { Figure } from '../components/figure';
import { Input, Inputs, QuestionForm, Select } from '../components/inputs';
import { QuestionAndAnswer } from '../components/layout';
import {
  HARDWARE_FIELDS,
  HardwareInputs,
  hardwareOf,
  MEMORY_FIELDS,
  MemoryInputs,
  memoryModelOf,
} from '../components/model_inputs';
import { TableCard, TextTableView } from '../components/text_table';
import type { PlanTrainingResponse } from '../gen/bitbudget/v1/planner_pb';
import { planner } from '../rpc/clients';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { useForm } from '../state/form';
import { count, list, optional, real, type Values } from '../text/fields';
import { parameters as urlParameters, setParameters } from '../state/route';
import { subject } from '../state/study';
import { measuredOf, usualQuestion } from '../state/usual_question';
import { intervalText } from '../text/estimate';
import { saveFile } from '../text/export';
import {
  hardwareText,
  planDocument,
  planFacts,
  planSentence,
  scheduleTable,
  scheduleText,
  type PlanQuestion,
} from '../text/plan';
import { formatLoss } from '../text/quantity';
import { memoryRuleText, memoryTable } from '../text/widths';

/** What may be spent, or what shall be reached: one of them is asked for. */
const GOALS = {
  totalTokens: count('All tokens', 'tokens', { atLeast: 2 }),
  computeFlops: real('FLOPs', 'flops', { above: 0 }),
  deviceHours: real('Device hours', 'none', { above: 0 }),
  money: real('Money', 'none', { above: 0, hint: 'in the currency of the price' }),
  deadlineHours: real('Hours on the clock', 'none', { above: 0 }),
  targetLossNats: real('Loss to reach, nats', 'none', { above: 0 }),
};

type Goal = keyof typeof GOALS;

const COMMON_FIELDS = {
  parameters: optional(
    count('Parameters', 'parameters', { atLeast: 1, hint: 'empty: the best size is sought' }),
  ),
  memoryBytes: optional(count('Memory, at most', 'bytes')),
  weightBits: list('Bits to consider', 'none', { hint: 'empty: every measured width' }),
  fixedFpTokens: optional(count('Checkpoint of, tokens', 'tokens')),
  callerFraction: optional(real('Your split, QAT of all', 'share', { above: 0, below: 1 })),
  ...MEMORY_FIELDS,
  ...HARDWARE_FIELDS,
};

const NEEDS_DEVICES: readonly Goal[] = ['deviceHours', 'money', 'deadlineHours'];

function goalAsked(): Goal {
  const { goal } = urlParameters.value;
  return goal !== undefined && goal in GOALS ? (goal as Goal) : 'totalTokens';
}

function questionOf(values: Values<typeof COMMON_FIELDS>, goal: Goal): PlanQuestion {
  // The field that is in the form beside the common ones.
  const value = (values as Record<string, unknown>)[goal];
  return {
    goal: { case: goal, value } as PlanQuestion['goal'],
    ...(values.parameters !== undefined && { parameters: values.parameters }),
    ...(values.memoryBytes !== undefined && { memoryBytes: values.memoryBytes }),
    ...(values.fixedFpTokens !== undefined && { fixedFpTokens: values.fixedFpTokens }),
  };
}

export default function PlanPage() {
  const about = subject.value!;
  const goal = goalAsked();
  const fields = useMemo(() => ({ ...COMMON_FIELDS, [goal]: GOALS[goal] }), [goal]);
  const { parameters, totalTokens } = usualQuestion(about);
  const form = useForm<typeof COMMON_FIELDS>(fields, {
    parameters,
    ...{ totalTokens, computeFlops: '1T', deviceHours: '1', money: '100', deadlineHours: '1' },
    ...(NEEDS_DEVICES.includes(goal) && { device: 'h100-sxm' }),
    ...(goal === 'money' && { pricePerDeviceHour: '2' }),
  });
  const { values } = form;
  const { devices = [] } = useAnswer(planner.listDevices, {}).answer ?? {};

  const question = values && questionOf(values, goal);
  const {
    answer,
    question: asked,
    refusal,
    pending,
  } = useAnswer(
    planner.planTraining,
    values && {
      source: currentLaw(about.study.name),
      ...question,
      weightBits: values.weightBits,
      callerFraction: values.callerFraction,
      memoryModel: memoryModelOf(values),
      hardware: hardwareOf(values),
    },
  );
  const problems = refusal?.fieldProblems ?? {};

  return (
    <QuestionAndAnswer
      form={
        <QuestionForm>
          <Select
            label="Plan from"
            value={goal}
            options={Object.entries(GOALS).map(([value, { label }]) => ({ value, label }))}
            onChange={(value) => setParameters({ goal: value })}
          />
          <Input form={form} name={goal as keyof typeof COMMON_FIELDS} problem={problems[goal]} />
          <Input
            form={form}
            name="parameters"
            problem={problems.parameters}
            suggestions={measuredOf(about).parameters.map(String)}
          />
          <Inputs
            form={form}
            refusal={refusal}
            names={['memoryBytes', 'weightBits', 'fixedFpTokens', 'callerFraction']}
          />
          <HardwareInputs form={form} refusal={refusal} devices={devices} />
          <MemoryInputs form={form} refusal={refusal} />
        </QuestionForm>
      }
    >
      {refusal && <RefusalCard refusal={refusal} />}
      {answer && <Plan answer={answer} question={asked as PlanQuestion} pending={pending} />}
    </QuestionAndAnswer>
  );
}

interface PlanProps {
  answer: PlanTrainingResponse;
  question: PlanQuestion;
  pending: boolean;
}

function Plan({ answer, question, pending }: PlanProps) {
  const { plan, alternatives, refused, schedule, memoryModel, hardware } = answer;
  const candidates = useMemo(() => [plan!, ...alternatives], [answer]);
  const charts = useMemo(
    () => ({
      losses: widthLossChart(candidates),
      memory: memoryChart(candidates),
      schedule: scheduleChart(schedule!),
    }),
    [answer],
  );
  return (
    <>
      <AnswerCard
        label="Expected loss, nats"
        value={formatLoss(plan!.lossNats!.value)}
        interval={intervalText(plan!.lossNats!, formatLoss)}
        sentence={planSentence(answer)}
        facts={planFacts(answer)}
        provenance={answer.provenance}
        pending={pending}
      >
        {hardware && <p>{hardwareText(hardware)}</p>}
        <p>
          <button
            type="button"
            onClick={() => saveFile('plan.md', planDocument(question, answer), 'text/markdown')}
          >
            Plan as a document
          </button>
        </p>
      </AnswerCard>
      <Figure name="widths" chart={charts.losses} />
      <Candidates candidates={candidates} refused={refused} />
      <Figure name="memory" chart={charts.memory} />
      <TableCard title="Memory of the plan" table={memoryTable(plan!.memory!)}>
        <p class="hint">{memoryRuleText(memoryModel!)}</p>
      </TableCard>
      <Figure name="schedule" chart={charts.schedule} />
      <section class="card">
        <h2>Schedule</h2>
        <p>{scheduleText(schedule!)}</p>
        <TextTableView table={scheduleTable(schedule!)} label="Schedule" />
      </section>
    </>
  );
}
