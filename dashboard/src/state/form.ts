// Questions as forms. A form is a set of fields; the texts in them live in the URL as they
// were typed, so that a link shows the same, mistakes and all.

import { useMemo } from 'preact/hooks';

import { readForm, type Fields, type FormState } from '../text/fields';
import { parameters as urlParameters, setParameters } from './route';

export interface Form<F extends Fields> extends FormState<F> {
  fields: F;
  set(name: keyof F & string, text: string): void;
}

/** The form of a page. The URL has what differs from the defaults. */
export function useForm<F extends Fields>(
  fields: F,
  defaults: Partial<Record<keyof F & string, string>>,
): Form<F> {
  const parameters = urlParameters.value;
  const state = useMemo(
    () => readForm(fields, parameters, defaults),
    [fields, parameters, JSON.stringify(defaults)],
  );
  const set = (name: keyof F & string, text: string) =>
    setParameters({ [name]: text === defaults[name] ? undefined : text });
  return { ...state, fields, set };
}
