// The study that the pages are about, its current fit, and the news of both.

import { computed, effect, signal } from '@preact/signals';

import type { Fit, WatchFitsResponse } from '../gen/bitbudget/v1/fit_pb';
import type { Study } from '../gen/bitbudget/v1/study_pb';
import { fits, studies } from '../rpc/clients';
import { watchFits } from '../rpc/live';
import { isCancelled, isNotFound, isUnreachable, refusalOf, type Refusal } from '../rpc/refusal';
import { wait } from '../rpc/wait';
import { lastPart } from '../text/quantity';
import { connectionCount } from './connection';
import { parameters } from './route';
import { isVisible } from './visibility';

export interface Subject {
  study: Study;
  /** Unset while the study has none. */
  fit?: Fit;
}

/** All studies of the server; undefined until they are known. */
export const allStudies = signal<Study[] | undefined>(undefined);

/** What the pages are about; undefined until it is known. */
export const subject = signal<Subject | undefined>(undefined);

/** Why there is no subject. */
export const subjectRefusal = signal<Refusal | undefined>(undefined);

/** How far the newest fit has moved an answer: best QAT fractions. */
export interface Move {
  weightBits: number;
  from: number;
  to: number;
}

/** What the newest fit has moved; empty before there is a newer one. */
export const moves = signal<readonly Move[]>([]);

/** When the subject was last heard of. */
export const lastUpdate = signal<Date | undefined>(undefined);

/** The study shown where the URL names none: the first that had a fit when it was chosen. */
const usualStudyId = signal<string | undefined>(undefined);

/** The id of the study asked for: the one in the URL, else the usual one. */
export const studyId = computed(() => parameters.value.study ?? usualStudyId.value);

/** Changes whenever answers about the study may be other ones than before. */
export const knowledge = computed(() => {
  const { study, fit } = subject.value ?? {};
  return `${fit?.name ?? study?.name ?? ''}`;
});

/** How often a server without a study is asked for one. */
const NO_STUDY_MS = 3_000;

// A study that comes later does not take the place of the one that a reader looks at.
function takeStudies(found: Study[]): void {
  if (!found.some((study) => lastPart(study.name) === usualStudyId.peek())) {
    const usual = found.find((study) => study.fitStatus?.latestFit) ?? found[0];
    usualStudyId.value = usual && lastPart(usual.name);
  }
  allStudies.value = found;
}

/** Loads all studies; while there are none, goes on asking until `signal`. */
async function loadStudies(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const reply = await studies.listStudies({ pageSize: 1000 }, { signal });
    takeStudies(reply.studies);
    if (reply.studies.length > 0) return;
    await wait(NO_STUDY_MS, signal);
  }
}

const refreshCount = signal(0);

/** Loads the studies anew, for a reader who is about to choose one. */
export function refreshStudies(): void {
  refreshCount.value = refreshCount.peek() + 1;
}

async function latestFit(study: string, signal: AbortSignal): Promise<Fit | undefined> {
  try {
    return await fits.getFit({ name: `${study}/fits/latest` }, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function show(next: Subject): void {
  subject.value = next;
  subjectRefusal.value = undefined;
  lastUpdate.value = new Date();
}

async function loadSubject(name: string, signal: AbortSignal): Promise<void> {
  const [study, fit] = await Promise.all([
    studies.getStudy({ name }, { signal }),
    latestFit(name, signal),
  ]);
  if (!signal.aborted) show(fit ? { study, fit } : { study });
}

/** What of a message is not known yet: a fit in it comes without its inputs. */
async function take(news: WatchFitsResponse, signal: AbortSignal): Promise<void> {
  const known = subject.value;
  const study = news.study ?? known?.study;
  if (!study) return;
  if (news.signOfLife && known) {
    lastUpdate.value = new Date();
    return;
  }
  const fitName = study.fitStatus?.latestFit;
  const fit =
    known?.fit && known.fit.name === fitName ? known.fit : await latestFit(study.name, signal);
  if (signal.aborted) return;
  show(fit ? { study, fit } : { study });
  moves.value = movesOf(news);
}

function movesOf({ standingAnswers }: WatchFitsResponse): Move[] {
  return standingAnswers.flatMap(({ weightBits, qatFraction, previousQatFraction }) =>
    qatFraction && previousQatFraction !== undefined
      ? [{ weightBits, from: previousQatFraction, to: qatFraction.value }]
      : [],
  );
}

/** Between attempts where the server has no room for one more watch. */
const RETRY_MS = 5_000;

/** Takes all news until `signal` or until the connection is lost. */
async function watch(name: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await watchFits(name, signal, (news) => take(news, signal));
    } catch (error) {
      if (isNotFound(error)) throw error;
      await wait(RETRY_MS, signal);
    }
  }
}

/** Loads the study and takes all news of it, until `signal`. */
async function follow(name: string, signal: AbortSignal): Promise<void> {
  try {
    await loadSubject(name, signal);
    await watch(name, signal);
  } catch (error) {
    if (signal.aborted || isCancelled(error) || isUnreachable(error)) return;
    subject.value = undefined;
    subjectRefusal.value = refusalOf(error);
  }
}

/** To be called once. */
export function followStudy(): void {
  effect(() => {
    void connectionCount.value;
    void refreshCount.value;
    if (!isVisible.value) return;
    const left = new AbortController();
    loadStudies(left.signal).catch((error: unknown) => {
      // Those that are known are shown on.
      if (left.signal.aborted || isUnreachable(error) || allStudies.peek()) return;
      subjectRefusal.value = refusalOf(error);
    });
    return () => left.abort();
  });
  effect(() => {
    void connectionCount.value;
    if (studyId.value === undefined || !isVisible.value) return;
    const left = new AbortController();
    const name = `studies/${studyId.value}`;
    if (subject.peek()?.study.name !== name) {
      subject.value = undefined;
      moves.value = [];
    }
    void follow(name, left.signal);
    return () => left.abort();
  });
}
