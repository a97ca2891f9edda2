// What is being trained?

import type { CallOptions } from '@connectrpc/connect';
import { useEffect, useMemo, useState } from 'preact/hooks';

import { timelineChart, barsOf } from '../charts/timeline';
import type { Curve } from '../charts/curves';
import { RefusalCard } from '../components/answer';
import { CampaignCard, StateBar } from '../components/campaign_card';
import { Figure } from '../components/figure';
import { Select } from '../components/inputs';
import { JobDetails } from '../components/job_details';
import { JobTable } from '../components/job_table';
import { LiveCurves } from '../components/live_curves';
import { JobState, type Job, type ProgressPoint } from '../gen/bitbudget/v1/job_pb';
import { campaigns } from '../rpc/clients';
import { useJobCurves } from '../rpc/job_curves';
import { useCampaign, useJobs, type LiveJobs } from '../rpc/live_jobs';
import { useAnswer } from '../rpc/use_answer';
import { parameters, setParameters } from '../state/route';
import { subject } from '../state/study';
import {
  countsText,
  countStates,
  isUnderWay,
  JOB_STATES,
  shortName,
  stateText,
} from '../text/jobs';
import { counted, lastPart } from '../text/quantity';
import './jobs.css';

export default function JobsPage() {
  const study = subject.value!.study.name;
  const { campaign: id = '' } = parameters.value;
  const name = id && `${study}/campaigns/${id}`;
  const [watchCount, setWatchCount] = useState(0);
  const live = useJobs(study, name);
  const { campaign, refusal } = useCampaign(name, watchCount);
  const all = useMemo(() => [...live.jobs.values()], [live.jobs]);
  const counts = useMemo(() => countStates(all), [all]);

  return (
    <>
      <CampaignPicker study={study} id={id} />
      {refusal && <RefusalCard refusal={refusal} />}
      {live.refusal && <RefusalCard refusal={live.refusal} />}
      {campaign && (
        <CampaignCard campaign={campaign} onRetried={() => setWatchCount(watchCount + 1)} />
      )}
      {id === '' && all.length > 0 && (
        <section class="card stack" aria-label="All jobs">
          <StateBar counts={counts} />
          <p role="status">{countsText(counts)}.</p>
        </section>
      )}
      {live.isComplete && all.length === 0 ? (
        <section class="card stack">
          <h2>No jobs</h2>
          <p>Jobs come from campaigns. With the command line:</p>
          <pre>bitbudget campaign create NAME --study {lastPart(study)} --grid grid.json</pre>
        </section>
      ) : (
        <Jobs live={live} all={all} />
      )}
    </>
  );
}

interface CampaignsQuestion {
  parent: string;
  /** Asked anew there may be more of them. */
  askCount: number;
}

async function listCampaigns({ parent }: CampaignsQuestion, options: CallOptions) {
  return (await campaigns.listCampaigns({ parent, pageSize: 1000 }, options)).campaigns;
}

function CampaignPicker({ study, id }: { study: string; id: string }) {
  const [askCount, setAskCount] = useState(0);
  const { answer } = useAnswer(listCampaigns, { parent: study, askCount });
  const known = (answer ?? []).map(({ name, title }) => ({
    value: lastPart(name),
    label: title ? `${lastPart(name)}: ${title}` : lastPart(name),
  }));
  const isKnown = id === '' || known.some(({ value }) => value === id);
  return (
    <div class="picker">
      <Select
        label="Campaign"
        value={id}
        options={[
          { value: '', label: 'all jobs' },
          ...known.reverse(),
          ...(isKnown ? [] : [{ value: id, label: id }]),
        ]}
        onApproach={() => setAskCount(askCount + 1)}
        onChange={(campaign) =>
          setParameters({ campaign: campaign || undefined, jobs: undefined, job: undefined })
        }
      />
    </div>
  );
}

/** How often bars of jobs that are trained grow. */
const CLOCK_MS = 5_000;

/** A number that grows as often as the timeline is to be drawn anew. */
function useTicks(isRunning: boolean): number {
  const [ticks, setTicks] = useState(0);
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setTicks((before) => before + 1), CLOCK_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  return ticks;
}

/** More are shown on demand, for thousands of rows take a page a while. */
const ROWS_AT_FIRST = 200;
/** More curves than this tell an eye nothing. */
const MOST_CURVES = 6;

/** Curves to draw where the reader has not chosen: of what is trained, else of what was last. */
function usualCurves(all: readonly Job[]): Job[] {
  const startOf = (job: Job) => job.startTime?.seconds ?? 0n;
  const candidates = all.filter((job) => job.progress !== undefined);
  const rank = (job: Job) => (isUnderWay(job) ? 0 : 1);
  candidates.sort((a, b) => rank(a) - rank(b) || Number(startOf(b) - startOf(a)));
  const underWay = candidates.filter(isUnderWay);
  return (underWay.length > 0 ? underWay : candidates).slice(0, MOST_CURVES);
}

/** The jobs named in the URL, or the usual ones. */
function jobsToDraw(all: readonly Job[], text: string | undefined): Job[] {
  if (text === undefined) return usualCurves(all);
  const ids = new Set(text.split(','));
  return all.filter((job) => ids.has(lastPart(job.name)));
}

function curveOf(job: Job, points: readonly ProgressPoint[]): Curve {
  return {
    job: lastPart(job.name),
    label: shortName(job),
    points: points.map((point) => ({
      tokens: Number(point.tokens),
      lossNats: point.lossNats,
      learningRate: point.learningRate,
      tokensPerSecond: point.tokensPerSecond,
    })),
  };
}

function Jobs({ live, all }: { live: LiveJobs; all: readonly Job[] }) {
  const { jobs: drawnText, job: openedId } = parameters.value;
  const ticks = useTicks(all.some(isUnderWay));
  const bars = useMemo(() => barsOf(all, Date.now()), [live.stateVersion, ticks]);
  const timeline = useMemo(() => timelineChart(bars), [bars]);
  const drawn = jobsToDraw(all, drawnText);
  const stored = useJobCurves(drawn.filter((job) => !isUnderWay(job)));
  const curves = useMemo(
    () => drawn.map((job) => curveOf(job, stored.get(job.name) ?? live.curves.get(job.name) ?? [])),
    [live, drawnText, stored],
  );
  const opened = all.find((job) => lastPart(job.name) === openedId);
  const names = new Set(drawn.map((job) => job.name));

  function setDrawn(name: string, isDrawn: boolean) {
    const next = new Set(names);
    if (isDrawn) next.add(name);
    else next.delete(name);
    setParameters({ jobs: [...next].map(lastPart).join(',') });
  }

  return (
    <>
      {bars.length > 0 && <Figure name="timeline" chart={timeline} />}
      {drawn.length > 0 && <LiveCurves curves={curves} />}
      {opened && <JobDetails job={opened} onClose={() => setParameters({ job: undefined })} />}
      <JobList
        all={all}
        drawn={names}
        opened={opened?.name}
        onDraw={setDrawn}
        onOpen={(name) => setParameters({ job: lastPart(name) })}
      />
    </>
  );
}

interface JobListProps {
  all: readonly Job[];
  drawn: ReadonlySet<string>;
  opened: string | undefined;
  onDraw(name: string, isDrawn: boolean): void;
  onOpen(name: string): void;
}

function JobList({ all, ...table }: JobListProps) {
  const { state: stateName = '' } = parameters.value;
  const [rowCount, setRowCount] = useState(ROWS_AT_FIRST);
  const state = JOB_STATES.find((candidate) => JobState[candidate] === stateName);
  const found = useMemo(() => {
    const order = new Map(JOB_STATES.map((known, index) => [known as JobState, index]));
    const chosen = state === undefined ? all : all.filter((job) => job.state === state);
    return [...chosen].sort((a, b) => order.get(a.state)! - order.get(b.state)!);
  }, [all, state]);
  return (
    <section class="card stack" aria-label="Jobs found">
      <header class="heading">
        <p role="status">{counted(found.length, 'job')}</p>
        <Select
          label="State"
          value={stateName}
          options={[
            { value: '', label: 'any' },
            ...JOB_STATES.map((known) => ({ value: JobState[known], label: stateText(known) })),
          ]}
          onChange={(value) => setParameters({ state: value || undefined })}
        />
      </header>
      <JobTable jobs={found.slice(0, rowCount)} {...table} />
      {found.length > rowCount && (
        <button type="button" onClick={() => setRowCount(rowCount + ROWS_AT_FIRST)}>
          Show {Math.min(ROWS_AT_FIRST, found.length - rowCount)} more
        </button>
      )}
    </section>
  );
}
