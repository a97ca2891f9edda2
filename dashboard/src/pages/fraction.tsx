// What share of the tokens should be QAT?

import { useMemo } from 'preact/hooks';

import { AnswerCard, RefusalCard, type Fact } from '../components/answer';
import { Inputs, QuestionForm } from '../components/inputs';
import { QuestionAndAnswer } from '../components/layout';
import { MODEL_FIELDS, ModelInputs } from '../components/model_inputs';
import { MeasuredOptimum_Bound, type MeasuredOptimum } from '../gen/bitbudget/v1/common_pb';
import {
  CooldownAdvice_Advice,
  type OptimizeQatFractionResponse,
} from '../gen/bitbudget/v1/planner_pb';
import { planner } from '../rpc/clients';
import { currentLaw } from '../rpc/source';
import { useAnswer } from '../rpc/use_answer';
import { useForm } from '../state/form';
import { count, real } from '../text/fields';
import { subject } from '../state/study';
import { measuredOf, usualQuestion } from '../state/usual_question';
import { intervalText, wasteText, withInterval } from '../text/estimate';
import {
  formatLoss,
  formatPercent,
  formatQuantity,
  formatReal,
  formatShare,
  formatTokens,
} from '../text/quantity';
import { FractionFigures } from './fraction_figures';

const FIELDS = {
  ...MODEL_FIELDS,
  totalTokens: count('Budget, all tokens', 'tokens', { atLeast: 2 }),
  callerFraction: real('Your split, QAT of all', 'share', { above: 0, below: 1 }),
};

export default function FractionPage() {
  const about = subject.value!;
  const law = currentLaw(about.study.name);
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

  return (
    <QuestionAndAnswer
      form={
        <QuestionForm>
          <ModelInputs form={form} refusal={refusal} measured={measured} />
          <Inputs form={form} refusal={refusal} names={['totalTokens', 'callerFraction']} />
        </QuestionForm>
      }
    >
      {refusal && <RefusalCard refusal={refusal} />}
      {answer && <FractionCard answer={answer} pending={pending} />}
      {question && !refusal && (
        <FractionFigures
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

const MEASURED_SIDE = {
  [MeasuredOptimum_Bound.BOUND_UNSPECIFIED]: '',
  [MeasuredOptimum_Bound.EXACT]: '',
  [MeasuredOptimum_Bound.AT_MOST]: 'at most ',
  [MeasuredOptimum_Bound.AT_LEAST]: 'at least ',
};

/** The law joins all runs, and may miss those at the very place. */
function measuredFact({ qatFraction, bound, standardError }: MeasuredOptimum): Fact {
  return {
    name: 'By the runs there alone',
    value: MEASURED_SIDE[bound] + formatShare(qatFraction),
    note: standardError === undefined ? undefined : `standard error ${formatShare(standardError)}`,
  };
}

function factsOf(answer: OptimizeQatFractionResponse): Fact[] {
  const facts: Fact[] = [];
  if (answer.measuredOptimum) facts.push(measuredFact(answer.measuredOptimum));
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
    facts.push({
      name: `${formatPercent(callerSplit.qatFraction)} QAT wastes, of the tokens`,
      ...wasteText(callerSplit.wastedTokenFraction),
    });
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
