// What one types and chooses. An error stands beside its field and is tied to it, so that a
// screen reader says both.

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

import type { Refusal } from '../rpc/refusal';
import type { Form } from '../state/form';
import { parameters, setParameters } from '../state/route';
import type { Fields } from '../text/fields';

interface InputProps<F extends Fields> {
  form: Form<F>;
  name: keyof F & string;
  /** What the server finds wrong with the field, beside what the form does. */
  problem?: string | undefined;
  /** Values that one may well want. */
  suggestions?: readonly string[];
}

export function Input<F extends Fields>({ form, name, problem, suggestions }: InputProps<F>) {
  const id = useId();
  const field = form.fields[name]!;
  const wrong = form.problems[name] ?? problem;
  return (
    <div class="field">
      <label for={id}>{field.label}</label>
      <input
        id={id}
        name={name}
        value={form.texts[name]}
        autocomplete="off"
        spellcheck={false}
        list={suggestions && `${id}-suggestions`}
        aria-invalid={wrong !== undefined}
        aria-describedby={`${id}-notes`}
        onInput={(event) => form.set(name, event.currentTarget.value)}
      />
      {suggestions && (
        <datalist id={`${id}-suggestions`}>
          {suggestions.map((value) => (
            <option key={value} value={value} />
          ))}
        </datalist>
      )}
      <div id={`${id}-notes`}>
        {wrong !== undefined && <p class="problem">{wrong}</p>}
        {field.hint && <p class="hint">{field.hint}</p>}
      </div>
    </div>
  );
}

export interface InputsProps<F extends Fields> {
  form: Form<F>;
  refusal: Refusal | undefined;
}

/** Fields one below the other, each with what the server finds wrong with it. */
export function Inputs<F extends Fields>({
  form,
  refusal,
  names,
}: InputsProps<F> & { names: readonly (keyof F & string)[] }) {
  return (
    <>
      {names.map((name) => (
        <Input key={name} form={form} name={name} problem={refusal?.fieldProblems[name]} />
      ))}
    </>
  );
}

interface OptionsProps {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange(value: string): void;
}

/** A few options side by side, of which one holds. */
export function Options({ label, value, options, onChange }: OptionsProps) {
  const name = useId();
  return (
    <fieldset class="options">
      <legend>{label}</legend>
      <div>
        {options.map((option) => (
          <label key={option.value}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** A choice that lives in the URL. */
export interface Choice<Value extends string> {
  /** Name of the parameter of the URL. */
  name: string;
  label: string;
  /** The first one holds unless the URL says otherwise. */
  options: readonly { value: Value; label: string }[];
}

/** The option that a toggle stands at. */
export function toggled<Value extends string>({ name, options }: Choice<Value>): Value {
  const asked = parameters.value[name];
  return (options.find((option) => option.value === asked) ?? options[0]!).value;
}

/** Options side by side; the reader's choice is kept in the URL. */
export function Toggle({ choice }: { choice: Choice<string> }) {
  const { name, label, options } = choice;
  return (
    <Options
      label={label}
      value={toggled(choice)}
      options={options}
      onChange={(value) =>
        setParameters({ [name]: value === options[0]!.value ? undefined : value })
      }
    />
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange(value: string): void;
  /** A reader is about to choose. */
  onApproach?(): void;
}

export function Select({ label, value, options, onChange, onApproach }: SelectProps) {
  const id = useId();
  return (
    <div class="field" onPointerEnter={onApproach} onFocusIn={onApproach}>
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A form that answers while one types: there is nothing to submit. */
export function QuestionForm({ children }: { children: ComponentChildren }) {
  return (
    <form class="question" aria-label="Question" onSubmit={(event) => event.preventDefault()}>
      {children}
    </form>
  );
}
