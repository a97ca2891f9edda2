// The fragment of the URL: a page and its parameters.

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
