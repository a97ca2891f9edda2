// Where the reader is, as the fragment of the URL holds it: "#/fraction?study=micro&bits=2".
// It is all the state that a page has, so that every view can be shared.

import { computed, signal } from '@preact/signals';

import { changed, formatFragment, parseFragment, type Route } from '../text/fragment';

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
