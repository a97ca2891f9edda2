// Fields that one types into, and what the texts in them mean.

import type { Parameters } from './fragment';
import { parseCount, parseReal, type Parsed, type Unit } from './quantity';

export interface Field<T> {
  label: string;
  /** What else one should know, in a few words. */
  hint?: string;
  isOptional: boolean;
  parse(text: string): Parsed<T>;
}

export type Fields = Record<string, Field<unknown>>;

type ValueOf<F> = F extends Field<infer T> ? T : never;

/** What the fields say; an optional field that is empty is undefined. */
export type Values<F extends Fields> = { [Name in keyof F]: ValueOf<F[Name]> };

export interface FormState<F extends Fields> {
  texts: Record<keyof F & string, string>;
  /** What is wrong, by field. */
  problems: Partial<Record<keyof F & string, string>>;
  /** Undefined if anything is wrong. */
  values: Values<F> | undefined;
}

interface Rules {
  hint?: string;
  /** Smallest and largest values allowed; both ends themselves only if `closed`. */
  above?: number;
  below?: number;
  atLeast?: number;
  atMost?: number;
}

function ruleBroken(value: number, rules: Rules): string | undefined {
  if (rules.above !== undefined && !(value > rules.above)) return `must be above ${rules.above}`;
  if (rules.below !== undefined && !(value < rules.below)) return `must be below ${rules.below}`;
  if (rules.atLeast !== undefined && !(value >= rules.atLeast)) {
    return `must be at least ${rules.atLeast}`;
  }
  if (rules.atMost !== undefined && !(value <= rules.atMost)) {
    return `must be at most ${rules.atMost}`;
  }
  return undefined;
}

/** A whole number: parameters, tokens, bytes. */
export function count(label: string, unit: Unit, rules: Rules = { atLeast: 1 }): Field<bigint> {
  return {
    label,
    ...(rules.hint !== undefined && { hint: rules.hint }),
    isOptional: false,
    parse(text) {
      const parsed = parseCount(text, unit);
      const broken = 'value' in parsed && ruleBroken(Number(parsed.value), rules);
      return broken ? { problem: broken } : parsed;
    },
  };
}

/** Any number. */
export function real(label: string, unit: Unit, rules: Rules = {}): Field<number> {
  return {
    label,
    ...(rules.hint !== undefined && { hint: rules.hint }),
    isOptional: false,
    parse(text) {
      const parsed = parseReal(text, unit);
      const broken = 'value' in parsed && ruleBroken(parsed.value, rules);
      return broken ? { problem: broken } : parsed;
    },
  };
}

/** Numbers with commas between them; none if empty. */
export function list(label: string, unit: Unit, rules: Rules = {}): Field<number[]> {
  const single = real(label, unit, rules);
  return {
    ...single,
    isOptional: false,
    parse(text) {
      const values: number[] = [];
      for (const part of text.split(',').filter((p) => p.trim() !== '')) {
        const parsed = single.parse(part.trim());
        if ('problem' in parsed) return parsed;
        values.push(parsed.value);
      }
      return { value: values };
    },
  };
}

/** One of a few names. */
export function choice<const T extends string>(label: string, names: readonly T[]): Field<T> {
  return {
    label,
    isOptional: false,
    parse(text) {
      const value = names.find((name) => name === text);
      return value === undefined
        ? { problem: `'${text}' is not one of ${names.join(', ')}` }
        : { value };
    },
  };
}

/** The same field, which may stay empty. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    ...field,
    isOptional: true,
    parse: (text) => (text.trim() === '' ? { value: undefined } : field.parse(text)),
  };
}

function isEmptyAndNeeded(field: Field<unknown>, text: string): boolean {
  return !field.isOptional && text.trim() === '' && 'problem' in field.parse(text);
}

/** Reads a form: a field that the URL does not have says what `defaults` say. */
export function readForm<F extends Fields>(
  fields: F,
  parameters: Parameters,
  defaults: Partial<Record<keyof F & string, string>>,
): FormState<F> {
  const texts: Record<string, string> = {};
  const problems: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const text = parameters[name] ?? defaults[name] ?? '';
    texts[name] = text;
    const parsed = field.parse(text);
    if ('value' in parsed) values[name] = parsed.value;
    else problems[name] = isEmptyAndNeeded(field, text) ? 'is needed' : parsed.problem;
  }
  return {
    texts,
    problems,
    values: Object.keys(problems).length === 0 ? values : undefined,
  } as FormState<F>;
}
