// Does the law describe the runs, and what do the runs leave open?

import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type CallOptions } from '@connectrpc/connect';
import { useMemo } from 'preact/hooks';

import { comparisonChart } from '../charts/comparison';
import { predictedChart, residualChart, type ResidualAxis } from '../charts/residuals';
import { AnswerCard, RefusalCard, type Fact } from '../components/answer';
import { Figure } from '../components/figure';
import { Toggle, toggled, type Choice } from '../components/inputs';
import { TextTableView } from '../components/text_table';
import { ProvenanceSchema } from '../gen/bitbudget/v1/common_pb';
import type { Fit, LawComparison } from '../gen/bitbudget/v1/fit_pb';
import { fits } from '../rpc/clients';
import { askFittedRuns, type Explained } from '../rpc/fitted_runs';
import type { Refusal } from '../rpc/refusal';
import { useAction } from '../rpc/use_action';
import { useAnswer } from '../rpc/use_answer';
import { subject } from '../state/study';
import './law.css';
import { basisText, comparisonTable, obstaclesOf, verdictOf } from '../text/comparison';
import { withInterval } from '../text/estimate';
import {
  COEFFICIENT_CONFIDENCE,
  coefficientInterval,
  coefficientTable,
  correlationTable,
  derivedTable,
  directionTable,
  fractionMisfitText,
  lackOfFitText,
  leftOutText,
  searchText,
  trunkText,
} from '../text/fit';
import { counted, formatPercent, formatReal } from '../text/quantity';

export default function LawPage() {
  const { study, fit } = subject.value!;
  const { answer, refusal } = useAnswer(
    askFittedRuns,
    fit && { study: study.name, fit: fit.name, convention: study.parameterConvention },
  );
  if (!fit) return <RefusalCard refusal={noFit(study.fitStatus?.error ?? '')} />;
  const failure = study.fitStatus?.error ?? '';
  return (
    <>
      {failure !== '' && (
        <section class="card refusal" role="status">
          <h2>The newest data could not be fitted: this is the fit before</h2>
          <p>{failure}</p>
        </section>
      )}
      <FitCard fit={fit} />
      {refusal && <RefusalCard refusal={refusal} />}
      {answer && <Residuals fit={fit} explained={answer} />}
      <Coefficients fit={fit} explained={answer} />
      <Ladder fit={fit} />
      <Comparison study={study.name} fit={fit} />
    </>
  );
}

function noFit(error: string): Refusal {
  return {
    kind: 'data cannot answer',
    message: error || 'The study has no fit yet.',
    advice: error ? '' : 'It gets one by itself once it has runs enough.',
    missingAxes: [],
    fieldProblems: {},
  };
}

function FitCard({ fit }: { fit: Fit }) {
  const leftOut = leftOutText(fit.rowsLeftOut);
  const headline =
    fit.residualRms === undefined
      ? { label: 'The law misses a fraction by', value: fit.fractionLaw?.meanAbsoluteError ?? NaN }
      : { label: 'The law misses a loss by', value: fit.residualRms };
  return (
    <AnswerCard
      label={headline.label}
      value={formatPercent(headline.value)}
      sentence={
        `${fit.law} stands on the rung ${fit.variant}, fitted to ` +
        `${counted(Number(fit.experimentCount), 'run')}` +
        (leftOut ? `; left out: ${leftOut}.` : '; none left out.')
      }
      facts={factsOf(fit)}
      provenance={create(ProvenanceSchema, {
        law: fit.law,
        variant: fit.variant,
        fit: fit.name,
        revision: fit.revision,
        confidenceLevel: COEFFICIENT_CONFIDENCE,
        warnings: fit.warnings,
      })}
    >
      <p class="formula">{fit.formula}</p>
      {fit.notIdentified.length > 0 && (
        <p class="advice">The data leave undetermined: {fit.notIdentified.join(', ')}.</p>
      )}
    </AnswerCard>
  );
}

function factsOf(fit: Fit): Fact[] {
  const { noise, rSquared, fractionLaw } = fit;
  const facts: Fact[] = [];
  if (noise) {
    facts.push(
      { name: 'Robust scale of residuals', value: formatPercent(noise.residualRobustScale) },
      { name: 'A run about its trunk', value: formatPercent(noise.runStddev) },
      { name: 'Shared by the runs of a trunk', value: trunkText(noise) },
      { name: 'Lack of fit', value: lackOfFitText(fit.lackOfFit) },
    );
    const fractions = fractionMisfitText(fit);
    if (fractions !== undefined) facts.push({ name: 'Best QAT fractions', value: fractions });
  }
  if (rSquared !== undefined) facts.push({ name: 'R squared', value: rSquared.toFixed(4) });
  if (fractionLaw?.a) {
    facts.push({
      name: 'f = exp(-a / ln S)',
      value: `a = ${withInterval(coefficientInterval(fractionLaw.a, Infinity), formatReal)}`,
      note:
        `from ${fractionLaw.optimumCount} measured optima` +
        (fractionLaw.boundCount > 0 ? ` and ${counted(fractionLaw.boundCount, 'bound')}` : ''),
    });
  }
  const search = searchText(fit);
  if (search !== undefined) facts.push({ name: 'Search', value: search });
  return facts;
}

const RESIDUAL_AXIS: Choice<ResidualAxis> = {
  name: 'residuals',
  label: 'Along',
  options: [
    { value: 'size', label: 'size' },
    { value: 'bits', label: 'bits' },
    { value: 'tokens', label: 'tokens' },
    { value: 'fraction', label: 'fraction' },
  ],
};

function Residuals({ fit, explained }: { fit: Fit; explained: Explained }) {
  const axis = toggled(RESIDUAL_AXIS);
  const { runs, explanation } = explained;
  const data = useMemo(
    () => ({ runs, robustScale: explanation.residualRobustScale }),
    [runs, explanation],
  );
  const predicted = useMemo(() => predictedChart(data), [data]);
  const residuals = useMemo(() => residualChart(data, axis), [data, axis]);
  const missing = Number(fit.experimentCount) - runs.length;
  return (
    <>
      <div class="side-by-side">
        <Figure name="predicted" chart={predicted} />
        {/* Each axis has a zoom of its own. */}
        <Figure name={`residuals-${axis}`} chart={residuals}>
          <Toggle choice={RESIDUAL_AXIS} />
        </Figure>
      </div>
      {missing > 0 && (
        <p class="hint">
          Shown are the {runs.length} runs that the law misses most, of{' '}
          {String(fit.experimentCount)}.
        </p>
      )}
    </>
  );
}

interface CoefficientsProps {
  fit: Fit;
  explained: Explained | undefined;
}

function Coefficients({ fit, explained }: CoefficientsProps) {
  const { fullPrecisionLaw } = fit;
  return (
    <section class="card stack" aria-label="Coefficients">
      <h2>Coefficients</h2>
      {fit.coefficients.length > 0 && (
        <TextTableView
          label="Coefficients of the law"
          table={coefficientTable(fit.coefficients, fit.degreesOfFreedom)}
        />
      )}
      {fit.derivedCoefficients.length > 0 && (
        <TextTableView label="Derived coefficients" table={derivedTable(fit)} />
      )}
      {explained && explained.explanation.directions.length > 0 && (
        <details>
          <summary>What the runs hardly tell</summary>
          <TextTableView
            label="Worst determined combinations"
            table={directionTable(explained.explanation)}
          />
          <TextTableView
            label="Correlated coefficients"
            table={correlationTable(explained.explanation)}
          />
        </details>
      )}
      {fullPrecisionLaw && (
        <details>
          <summary>
            Full-precision runs alone: {counted(Number(fullPrecisionLaw.experimentCount), 'run')},
            missed by {formatPercent(fullPrecisionLaw.residualRms)}
          </summary>
          <TextTableView
            label="Coefficients of the full-precision law"
            table={coefficientTable(
              fullPrecisionLaw.coefficients,
              fullPrecisionLaw.degreesOfFreedom,
            )}
          />
        </details>
      )}
    </section>
  );
}

function Ladder({ fit }: { fit: Fit }) {
  return (
    <section class="card stack" aria-label="Ladder">
      <h2>Ladder, richest law first</h2>
      <ol class="ladder">
        {fit.ladder.map(({ variant, accepted, explanation }) => (
          <li key={variant} aria-current={accepted ? 'step' : undefined}>
            <strong>{variant}</strong> {accepted ? 'taken' : 'not taken'}. {explanation}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Fitting every law without some of the runs takes its time. */
const COMPARISON_TIMEOUT_MS = 600_000;

async function latestComparison({ study }: { study: string }, options: CallOptions) {
  try {
    return await fits.getLawComparison({ name: `${study}/comparisons/latest` }, options);
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return null;
    throw error;
  }
}

function newerOf(first: LawComparison | null | undefined, second: LawComparison | undefined) {
  if (!first || !second) return second ?? first ?? undefined;
  const [a, b] = [first, second].map(({ createTime }) => createTime?.seconds ?? 0n);
  return a! > b! ? first : second;
}

function Comparison({ study, fit }: { study: string; fit: Fit }) {
  const stored = useAnswer(latestComparison, { study });
  const comparing = useAction((signal) =>
    fits.compareLaws({ parent: study }, { signal, timeoutMs: COMPARISON_TIMEOUT_MS }),
  );
  const comparison = newerOf(stored.answer, comparing.result);
  const chart = useMemo(() => comparison && comparisonChart(comparison), [comparison]);
  const refusal = comparing.refusal ?? stored.refusal;
  return (
    <>
      <section class="card stack" aria-label="Law comparison" aria-busy={comparing.pending}>
        <header class="heading">
          <h2>Which law predicts runs that it has not seen?</h2>
          <button type="button" disabled={comparing.pending} onClick={() => comparing.run()}>
            {comparing.pending ? 'Comparing' : comparison ? 'Compare again' : 'Compare laws'}
          </button>
        </header>
        <div role="status">
          {comparing.pending && <p class="hint">Fitting every law without some of the runs.</p>}
        </div>
        {comparison && <ComparisonText comparison={comparison} fit={fit} />}
        {!comparison && stored.answer === null && (
          <p class="hint">The laws of this study have not been compared yet.</p>
        )}
      </section>
      {refusal && <RefusalCard refusal={refusal} />}
      {chart && <Figure name="held-out" chart={chart} />}
    </>
  );
}

function ComparisonText({ comparison, fit }: { comparison: LawComparison; fit: Fit }) {
  return (
    <>
      <p>{verdictOf(comparison)}</p>
      {comparison.revision < fit.revision && (
        <p class="advice">
          The data have changed since: the fit is of revision {String(fit.revision)}.
        </p>
      )}
      <TextTableView label="Comparison of laws" table={comparisonTable(comparison)} />
      {obstaclesOf(comparison).map((obstacle) => (
        <p key={obstacle} class="hint">
          {obstacle}
        </p>
      ))}
      <p class="hint">{basisText(comparison)}</p>
    </>
  );
}
