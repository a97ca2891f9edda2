// Where the reader is, as the fragment of the URL holds it: "#/fraction?study=micro&bits=2".
// It is all the state that a page has, so that every view can be shared.

import { computed, signal } from '@preact/signals';

export type Parameters = Readonly<Record<string, string>>;

export interface Route {
  page: string;
  parameters: Parameters;
}

export function parseFragment(fragment: string): Route {
  const [path = '', query = ''] = fragment.replace(/^#?\/?/, '').split('?', 2);
  return { page: path, parameters: Object.fromEntries(new URLSearchParams(query)) };
}

export function formatFragment({ page, parameters }: Route): string {
  const query = new URLSearchParams(parameters).toString();
  return `#/${page}${query && '?'}${query}`;
}

/** `parameters` with `changes`; an undefined value takes its name away. */
export function changed(
  parameters: Parameters,
  changes: Record<string, string | undefined>,
): Parameters {
  return Object.fromEntries(
    Object.entries({ ...parameters, ...changes }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}

export const route = signal<Route>(parseFragment(location.hash));

export const parameters = computed(() => route.value.parameters);

addEventListener('hashchange', () => {
  route.value = parseFragment(location.hash);
});

/** Changes the view in place; "back" leads to the page before, not to each key stroke. */
export function setParameters(changes: Record<string, string | undefined>): void {
  const { page, parameters } = route.value;
  route.value = { page, parameters: changed(parameters, changes) };
  history.replaceState(null, '', formatFragment(route.value));
}

/** What a question keeps when another page takes it up. */
const COMMON = ['study', 'parameters', 'weightBits', 'totalTokens', 'axis'];

/** A link to another page, about the same study and as far as it goes the same question. */
export function linkTo(page: string): string {
  const kept = Object.entries(parameters.value).filter(([name]) => COMMON.includes(name));
  return formatFragment({ page, parameters: Object.fromEntries(kept) });
}
