// What was measured?

import { useMemo, useRef, useState } from 'preact/hooks';

import { RefusalCard } from '../components/answer';
import { ExperimentTable, type Order } from '../components/experiment_table';
import { ImportDrop } from '../components/import_drop';
import { Input, QuestionForm, Select } from '../components/inputs';
import {
  ExperimentFilter_Exclusion as Exclusion,
  ListExperimentsRequest_OrderBy as OrderBy,
  Role,
} from '../gen/bitbudget/v1/experiment_pb';
import { experiments } from '../rpc/clients';
import { askPage, exportCsv, type Filter } from '../rpc/experiment_list';
import { useAction } from '../rpc/use_action';
import { useAnswer } from '../rpc/use_answer';
import { useForm } from '../state/form';
import { choice, count, list, optional, type Field, type Values } from '../text/fields';
import { parameters, setParameters } from '../state/route';
import { subject } from '../state/study';
import { measuredOf } from '../state/usual_question';
import { saveFile } from '../text/export';
import { counted, lastPart, words } from '../text/quantity';
import './experiments.css';

/** Exactly this text; anything if empty. */
function name(label: string): Field<string | undefined> {
  return optional({ label, isOptional: true, parse: (text) => ({ value: text }) });
}

const ROLES = [
  'FULL_PRECISION',
  'FP_THEN_QAT',
  'QAT_FROM_SCRATCH',
  'POST_TRAINING',
  'CONTROL',
] as const satisfies (keyof typeof Role)[];

const EXCLUSIONS = ['ANY', 'INCLUDED', 'EXCLUDED'] as const satisfies (keyof typeof Exclusion)[];

const FIELDS = {
  role: optional(choice('Role', ROLES)),
  sizes: list('Parameters', 'parameters', { above: 0 }),
  bits: list('Bits', 'none', { atLeast: 1, atMost: 16 }),
  minTokens: optional(count('Tokens, at least', 'tokens', { atLeast: 0 })),
  maxTokens: optional(count('Tokens, at most', 'tokens', { atLeast: 0 })),
  schedule: name('Schedule'),
  recipe: name('Recipe'),
  optimizer: name('Optimizer'),
  trunk: name('Trunk'),
  batch: name('Batch'),
  exclusion: choice('Excluded runs', EXCLUSIONS),
};

const TEXT_FIELDS = [
  'sizes',
  'bits',
  'minTokens',
  'maxTokens',
  'schedule',
  'recipe',
  'optimizer',
  'trunk',
  'batch',
] as const;

function filterOf(values: Values<typeof FIELDS>): Filter {
  return {
    roles: values.role ? [Role[values.role]] : [],
    parameters: values.sizes.map((size) => BigInt(Math.round(size))),
    weightBits: values.bits,
    schedule: values.schedule,
    recipe: values.recipe,
    optimizer: values.optimizer,
    trunk: values.trunk,
    importBatch: values.batch,
    exclusion: Exclusion[values.exclusion],
    minTotalTokens: values.minTokens,
    maxTotalTokens: values.maxTokens,
  };
}

const PAGE_SIZE = 100;

/** The place of a page in the URL: its token, and how many runs come before it. */
const FIRST_PAGE = { after: undefined, before: undefined };

function orderOf({ order = '', descending }: Record<string, string | undefined>): Order {
  const by = OrderBy[order.toUpperCase() as keyof typeof OrderBy] ?? OrderBy.CREATION;
  return { by, descending: descending !== undefined };
}

function setOrder({ by, descending }: Order): void {
  setParameters({
    ...FIRST_PAGE,
    order: by === OrderBy.CREATION ? undefined : OrderBy[by].toLowerCase(),
    descending: descending ? 'yes' : undefined,
  });
}

export default function ExperimentsPage() {
  const about = subject.value!;
  const { study } = about;
  const measured = useMemo(() => measuredOf(about), [about]);
  const suggestions: Partial<Record<keyof typeof FIELDS, string[]>> = {
    sizes: measured.parameters.map(String),
    bits: measured.weightBits.map(String),
  };
  const form = useForm(FIELDS, { exclusion: 'ANY' });
  const [writes, setWrites] = useState(0);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { after: pageToken = '', before = '0' } = parameters.value;
  const order = orderOf(parameters.value);
  const filter = useMemo(() => form.values && filterOf(form.values), [form.values]);
  const { answer, refusal, pending } = useAnswer(
    askPage,
    filter && {
      parent: study.name,
      filter,
      orderBy: order.by,
      descending: order.descending,
      pageSize: PAGE_SIZE,
      pageToken,
      // What this page has written is known before the news of it comes.
      revision: study.revision + BigInt(writes),
    },
  );
  const runs = useMemo(() => answer?.experiments ?? [], [answer]);
  const filtering = {
    ...form,
    set(field: keyof typeof FIELDS, text: string) {
      setParameters(FIRST_PAGE);
      form.set(field, text);
    },
  };

  function choose(names: readonly string[], isChosen: boolean) {
    const next = new Set(chosen);
    for (const run of names) {
      if (isChosen) next.add(run);
      else next.delete(run);
    }
    setChosen(next);
  }

  // Hundreds of cells: made anew only if something in them is new.
  const table = useMemo(
    () => (
      <ExperimentTable
        page={pageToken}
        runs={runs}
        order={order}
        chosen={chosen}
        onOrder={setOrder}
        onChoose={choose}
      />
    ),
    [runs, order.by, order.descending, chosen],
  );

  return (
    <>
      <ImportDrop study={study.name} onStored={() => setWrites(writes + 1)} />
      <QuestionForm>
        <Select
          label="Role"
          value={form.texts.role}
          options={[
            { value: '', label: 'any' },
            ...ROLES.map((role) => ({ value: role, label: words(role) })),
          ]}
          onChange={(role) => filtering.set('role', role)}
        />
        {TEXT_FIELDS.map((field) => (
          <Input key={field} form={filtering} name={field} suggestions={suggestions[field]} />
        ))}
        <Select
          label="Excluded runs"
          value={form.texts.exclusion}
          options={[
            { value: 'ANY', label: 'shown too' },
            { value: 'INCLUDED', label: 'not shown' },
            { value: 'EXCLUDED', label: 'alone' },
          ]}
          onChange={(exclusion) => filtering.set('exclusion', exclusion)}
        />
      </QuestionForm>
      {refusal && <RefusalCard refusal={refusal} />}
      <section class="card stack" aria-label="Runs found" aria-busy={pending}>
        <header class="heading">
          <Pager
            first={Number(before) + 1}
            count={runs.length}
            nextPageToken={answer?.nextPageToken ?? ''}
            isLoaded={answer !== undefined}
          />
          {filter && <Export study={study.name} filter={filter} />}
        </header>
        {(chosen.size > 0 || form.values?.batch) && (
          <Exclude
            study={study.name}
            chosen={chosen}
            batch={form.values?.batch ?? ''}
            onDone={() => {
              setChosen(new Set());
              setWrites(writes + 1);
            }}
            onForget={() => setChosen(new Set())}
          />
        )}
        {table}
      </section>
    </>
  );
}

interface PagerProps {
  /** Number of the first run of the page, from 1. */
  first: number;
  count: number;
  nextPageToken: string;
  isLoaded: boolean;
}

/** "Runs 101 to 200", and the ways from there. */
function Pager({ first, count, nextPageToken, isLoaded }: PagerProps) {
  // Tokens lead forward only: the way back is remembered while the page is open.
  const way = useRef<{ after: string | undefined; before: string | undefined }[]>([]);
  const { after, before } = parameters.value;
  if (after === undefined) way.current = [];
  const { experimentCount, excludedExperimentCount } = subject.value!.study;

  function next() {
    way.current.push({ after, before });
    setParameters({ after: nextPageToken, before: String(first - 1 + count) });
  }

  return (
    <>
      <p role="status">
        {!isLoaded
          ? 'Loading'
          : count === 0
            ? 'No runs match.'
            : `Runs ${first} to ${first - 1 + count}, of a study of ` +
              `${experimentCount + excludedExperimentCount}`}
      </p>
      <div class="tools" role="group" aria-label="Pages of runs">
        <button
          type="button"
          disabled={after === undefined}
          onClick={() => setParameters(FIRST_PAGE)}
        >
          First
        </button>
        <button
          type="button"
          disabled={way.current.length === 0}
          onClick={() => setParameters(way.current.pop()!)}
        >
          Previous
        </button>
        <button type="button" disabled={nextPageToken === ''} onClick={next}>
          Next
        </button>
      </div>
    </>
  );
}

function Export({ study, filter }: { study: string; filter: Filter }) {
  const [count, setCount] = useState(0);
  const exporting = useAction(async (signal) => {
    setCount(0);
    const file = await exportCsv(signal, study, filter, setCount);
    saveFile(`${lastPart(study)}.csv`, file, 'text/csv');
  });
  return (
    <>
      {exporting.refusal && <p class="problem">{exporting.refusal.message}</p>}
      <button type="button" disabled={exporting.pending} onClick={() => void exporting.run()}>
        {exporting.pending ? `${counted(count, 'run')} so far` : 'CSV of all that match'}
      </button>
    </>
  );
}

interface ExcludeProps {
  study: string;
  chosen: ReadonlySet<string>;
  /** Stands for all of its runs where none is chosen. */
  batch: string;
  onDone(): void;
  onForget(): void;
}

/** Excludes the chosen runs from fits, or takes that back; a reason is needed. */
function Exclude({ study, chosen, batch, onDone, onForget }: ExcludeProps) {
  const [reason, setReason] = useState('');
  const marking = useAction(async (signal, exclude: boolean) => {
    const which = chosen.size > 0 ? { names: [...chosen] } : { importBatch: batch };
    const request = { parent: study, ...which, reason };
    await (exclude
      ? experiments.excludeExperiments(request, { signal })
      : experiments.includeExperiments(request, { signal }));
    onDone();
  });
  const isReady = reason.trim() !== '' && !marking.pending;
  return (
    <div class="exclude" role="group" aria-label="Chosen runs">
      <p>{chosen.size > 0 ? `${counted(chosen.size, 'run')} chosen` : `All runs of ${batch}`}</p>
      <label>
        Reason <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <button type="button" disabled={!isReady} onClick={() => void marking.run(true)}>
        Exclude
      </button>
      <button type="button" disabled={!isReady} onClick={() => void marking.run(false)}>
        Include
      </button>
      {chosen.size > 0 && (
        <button type="button" onClick={onForget}>
          Choose none
        </button>
      )}
      {marking.refusal && <p class="problem">{marking.refusal.message}</p>}
    </div>
  );
}
