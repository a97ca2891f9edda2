// A plan in words, on the page and as a document.

import type { Provenance } from '../gen/bitbudget/v1/common_pb';
import type {
  Hardware,
  PlanTrainingRequest,
  PlanTrainingResponse,
  SchedulePlan,
} from '../gen/bitbudget/v1/planner_pb';
import { intervalText, wasteText, withInterval, type Interval } from './estimate';
import { outsideText, originText } from './provenance';
import {
  formatBytes,
  formatLoss,
  formatPercent,
  formatQuantity,
  formatShare,
  formatTokens,
} from './quantity';
import { markdownTable, type TextTable } from './text_table';
import { bitsText, candidateRemarks, candidateTable, memoryRuleText, memoryTable } from './widths';

/** The question, as the document repeats it. */
export type PlanQuestion = Pick<
  PlanTrainingRequest,
  'goal' | 'parameters' | 'memoryBytes' | 'fixedFpTokens'
>;

function goalText({ goal }: PlanQuestion): string {
  const amount = Number(goal.value);
  switch (goal.case) {
    case 'totalTokens':
      return `${formatQuantity(amount)} tokens`;
    case 'computeFlops':
      return `${formatQuantity(amount)} FLOPs`;
    case 'deviceHours':
      return `${formatQuantity(amount)} device hours`;
    case 'money':
      return `${formatQuantity(amount)} of money`;
    case 'deadlineHours':
      return `${formatQuantity(amount)} hours on the clock`;
    case 'targetLossNats':
      return `the least compute for a loss of ${formatLoss(amount)} nats`;
    default:
      return '';
  }
}

export function questionText(question: PlanQuestion): string {
  const { parameters, memoryBytes, fixedFpTokens } = question;
  return (
    [
      `Asked for: ${goalText(question)}`,
      parameters !== undefined && `${formatQuantity(Number(parameters))} parameters`,
      memoryBytes !== undefined && `at most ${formatBytes(Number(memoryBytes))} of memory`,
      fixedFpTokens !== undefined &&
        `from a checkpoint of ${formatQuantity(Number(fixedFpTokens))} tokens`,
    ]
      .filter((part) => part !== false)
      .join(', ') + '.'
  );
}

export function planSentence({ plan, cost }: PlanTrainingResponse): string {
  const { weightBits, parameters, fpTokens, qatTokens, qatFraction, lossNats, memory } = plan!;
  const hours =
    cost?.wallHours === undefined ? '' : `, ${formatQuantity(cost.wallHours)} hours on the clock`;
  return (
    `Train ${formatQuantity(parameters)} parameters at ${bitsText(weightBits)}: ` +
    `${formatTokens(fpTokens)} tokens in full precision, then ${formatTokens(qatTokens)} with QAT ` +
    `(${formatShare(qatFraction!.value)}); expected loss ${formatLoss(lossNats!.value)} nats, ` +
    `memory ${formatBytes(memory!.totalBytes)}${hours}.`
  );
}

export interface PlanFact {
  name: string;
  value: string;
  note?: string | undefined;
}

function estimateFact(name: string, estimate: Interval, format: (value: number) => string) {
  return { name, value: format(estimate.value), note: intervalText(estimate, format) };
}

/** What the plan says besides its loss. */
export function planFacts({ plan, cost, callerSplit }: PlanTrainingResponse): PlanFact[] {
  const facts: PlanFact[] = [
    { name: 'Bits per weight', value: String(plan!.weightBits) },
    { name: 'Parameters', value: formatQuantity(plan!.parameters) },
    { name: 'Tokens in full precision', value: formatTokens(plan!.fpTokens) },
    { name: 'Tokens with QAT', value: formatTokens(plan!.qatTokens) },
    estimateFact('QAT fraction', plan!.qatFraction!, formatShare),
    { name: 'Memory when served', value: formatBytes(plan!.memory!.totalBytes) },
    { name: 'FLOPs to spend', value: formatQuantity(cost!.computeFlops) },
  ];
  if (plan!.probabilityBest !== undefined) {
    facts.push({ name: 'Best of the widths', value: formatPercent(plan!.probabilityBest) });
  }
  if (cost?.deviceHours !== undefined) {
    facts.push({ name: 'Device hours', value: formatQuantity(cost.deviceHours) });
    facts.push({ name: 'Hours on the clock', value: formatQuantity(cost.wallHours ?? 0) });
  }
  if (cost?.money !== undefined) facts.push({ name: 'Money', value: formatQuantity(cost.money) });
  if (callerSplit) {
    facts.push({
      name: `${formatPercent(callerSplit.qatFraction)} QAT instead wastes, of the tokens`,
      ...wasteText(callerSplit.wastedTokenFraction!),
    });
  }
  return facts;
}

export function hardwareText({ deviceCount, device, peakFlops, utilization }: Hardware): string {
  return (
    `On ${deviceCount} ${device || 'device(s)'} at ${formatQuantity(peakFlops ?? 0)} FLOP/s, ` +
    `${formatPercent(utilization ?? 0)} of it used.`
  );
}

export function scheduleTable({ phases }: SchedulePlan): TextTable {
  return {
    headings: ['Phase', 'Steps', 'Learning rate, of the peak', 'Shape'],
    rows: phases.map(({ name, steps, firstRate, lastRate, shape }) => [
      name,
      String(steps),
      `${firstRate} to ${lastRate}`,
      shape,
    ]),
  };
}

export function scheduleText(schedule: SchedulePlan): string {
  const source = schedule.tokensPerStepSource;
  return (
    `${
      schedule.isFused
        ? 'Fused: the learning rate decays inside QAT.'
        : 'Classic: the learning rate cools down in full precision, then QAT.'
    } Steps of ${formatQuantity(schedule.tokensPerStep)} tokens: ${schedule.fpSteps} in full ` +
    `precision, ${schedule.qatSteps} with QAT.${source && ` The tokens of a step: ${source}`} ` +
    `${schedule.cooldown?.reason ?? ''} The expected loss is that of the schedule with which the ` +
    `study's runs were trained.`
  );
}

function originLines(provenance: Provenance): string[] {
  return [
    `Intervals: ${formatPercent(provenance.confidenceLevel)}.`,
    originText(provenance),
    ...(provenance.extrapolation?.axes ?? []).map(
      (axis) => `Outside the data: ${outsideText(axis)}.`,
    ),
    ...provenance.warnings.map((warning) => `Warning: ${warning}`),
  ];
}

function markdownList(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}\n`).join('');
}

/** The plan as Markdown: what one hands on. */
export function planDocument(question: PlanQuestion, answer: PlanTrainingResponse): string {
  const plan = answer.plan!;
  const candidates = [plan, ...answer.alternatives];
  const rows = [
    ['Expected loss', withInterval(plan.lossNats!, formatLoss)],
    ...planFacts(answer).map(({ name, value, note }) => [
      name,
      note ? `${value} (${note})` : value,
    ]),
  ];
  const schedule = answer.schedule!;
  const sections: [string, string][] = [
    ['Schedule', `${scheduleText(schedule)}\n\n${markdownTable(scheduleTable(schedule))}`],
    [
      'Memory',
      `${markdownTable(memoryTable(plan.memory!))}\n${memoryRuleText(answer.memoryModel!)}\n`,
    ],
    [
      'Widths compared',
      `${markdownTable(candidateTable(candidates))}\n` +
        markdownList(candidateRemarks(candidates, answer.refused)),
    ],
    ['Where this comes from', markdownList(originLines(answer.provenance!))],
  ];
  return (
    `# Training plan\n\n${questionText(question)}\n\n${planSentence(answer)}\n\n` +
    markdownTable({ headings: ['', ''], rows }) +
    (answer.hardware ? `\n${hardwareText(answer.hardware)}\n` : '') +
    sections.map(([title, body]) => `\n## ${title}\n\n${body}`).join('')
  );
}
