// The frame of all pages: study, news, navigation, connection.

import { signal, useSignalEffect } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { RefusalCard } from './components/answer';
import { Select } from './components/inputs';
import { FitStatus_State } from './gen/bitbudget/v1/study_pb';
import { PAGES, shownPage, type Page } from './pages';
import { connection, connectionCount } from './state/connection';
import { linkTo, route } from './state/route';
import {
  allStudies,
  lastUpdate,
  moves,
  refreshStudies,
  studyId,
  subject,
  subjectRefusal,
  type Move,
  type Subject,
} from './state/study';
import { theme, toggleTheme } from './state/theme';
import { formatFragment } from './text/fragment';
import { counted, formatPercent, lastPart } from './text/quantity';
import { bitsText } from './text/widths';

const clock = signal(Date.now());
setInterval(() => (clock.value = Date.now()), 1000);

export function App() {
  const page = shownPage(route.value.page);
  useSignalEffect(() => {
    document.title = `${shownPage(route.value.page).title} · bitbudget`;
  });
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to the answer
      </a>
      <header class="top">
        <p class="brand">bitbudget</p>
        <StudyPicker />
        <News />
        <button type="button" class="theme" onClick={toggleTheme}>
          {theme.value === 'dark' ? 'Light' : 'Dark'}
        </button>
      </header>
      <Navigation current={page.id} />
      <ConnectionBanner />
      <main id="main" tabIndex={-1}>
        <h1>{page.question}</h1>
        <PageContent page={page} />
      </main>
    </>
  );
}

function Navigation({ current }: { current: string }) {
  const list = useRef<HTMLUListElement>(null);
  // Where the screen is narrow the list scrolls.
  useEffect(() => {
    const link = list.current?.querySelector('[aria-current]');
    link?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [current]);
  return (
    <nav aria-label="Pages">
      <ul ref={list}>
        {PAGES.map(({ id, title }) => (
          <li key={id}>
            <a href={linkTo(id)} aria-current={id === current ? 'page' : undefined}>
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

// The fragment of the URL is the route; following the link would leave the page.
function skipToMain(event: Event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function StudyPicker() {
  const studies = allStudies.value;
  if (studies === undefined || studyId.value === undefined) return null;
  const ids = studies.map((study) => lastPart(study.name));
  const shown = ids.includes(studyId.value) ? ids : [studyId.value, ...ids];
  return (
    <Select
      label="Study"
      value={studyId.value}
      options={shown.map((id) => ({ value: id, label: id }))}
      onApproach={refreshStudies}
      onChange={(id) => {
        // Another study has other sizes and budgets: its pages begin with its own.
        location.hash = formatFragment({ page: route.value.page, parameters: { study: id } });
      }}
    />
  );
}

function fitText({ study, fit }: Subject): string {
  switch (study.fitStatus?.state) {
    case FitStatus_State.PENDING:
      return fit ? `fit ${lastPart(fit.name)}, refitting` : 'fitting';
    case FitStatus_State.FAILED:
      return `${fit ? `fit ${lastPart(fit.name)}; ` : ''}the newest data could not be fitted`;
    case FitStatus_State.CURRENT:
      return `fit ${lastPart(fit?.name ?? '')}`;
    default:
      return 'no data';
  }
}

function agoText(date: Date): string {
  const seconds = Math.max(0, Math.round((clock.value - date.getTime()) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : date.toLocaleTimeString();
}

/** "best QAT moved: 2 bits 31.6 % to 33 %". */
function movesText(all: readonly Move[]): string {
  const texts = all
    .filter(({ from, to }) => formatPercent(from) !== formatPercent(to))
    .map(({ weightBits, from, to }) => {
      return `${bitsText(weightBits)} ${formatPercent(from)} to ${formatPercent(to)}`;
    });
  return texts.length === 0 ? 'best QAT has not moved' : `best QAT moved: ${texts.join(', ')}`;
}

/** What the answers rest on, and since when. */
function News() {
  if (!subject.value) return <p class="news" />;
  const { study } = subject.value;
  return (
    <p class="news" data-revision={String(study.revision)}>
      {counted(Number(study.experimentCount), 'run')}, revision {String(study.revision)},{' '}
      {fitText(subject.value)}
      {moves.value.length > 0 && ` · ${movesText(moves.value)}`}
      {lastUpdate.value && <span class="ago"> · last updated {agoText(lastUpdate.value)}</span>}
    </p>
  );
}

function ConnectionBanner() {
  return (
    <div role="status" class="connection">
      {connection.value === 'lost' && (
        <p class="lost">Connection lost, retrying. What you see is what was known before.</p>
      )}
      {connection.value === 'mended' && <p class="mended">Connected again.</p>}
    </div>
  );
}

interface LoadedPage {
  id: string;
  /** Unset if it could not be had. */
  Content?: ComponentType;
}

function PageContent({ page }: { page: Page }) {
  const [loaded, setLoaded] = useState<LoadedPage>();
  useEffect(() => {
    let isLeft = false;
    page.load().then(
      (module) => !isLeft && setLoaded({ id: page.id, Content: module.default }),
      () => !isLeft && setLoaded({ id: page.id }),
    );
    return () => {
      isLeft = true;
    };
  }, [page, connectionCount.value]);

  if (subjectRefusal.value) return <RefusalCard refusal={subjectRefusal.value} />;
  if (allStudies.value?.length === 0 && studyId.value === undefined) return <NoStudies />;
  if (loaded?.id === page.id && !loaded.Content) return <PageMissing />;
  if (loaded?.id !== page.id || !loaded.Content || !subject.value) {
    return <p class="loading">Loading</p>;
  }
  // Another study is another page: nothing of the one before may show.
  return <loaded.Content key={subject.value.study.name} />;
}

/** The files of the page are gone: the server ends, or has the files of a later version. */
function PageMissing() {
  return (
    <section class="card">
      <h2>This page could not be loaded</h2>
      <p>The server is away, or has another version of the dashboard by now.</p>
      <button type="button" onClick={() => location.reload()}>
        Load it again
      </button>
    </section>
  );
}

function NoStudies() {
  return (
    <section class="card">
      <h2>No study yet</h2>
      <p>The server has no study. With the command line:</p>
      <pre>
        bitbudget study create my-study{'\n'}bitbudget experiments import --study my-study runs.csv
      </pre>
    </section>
  );
}
