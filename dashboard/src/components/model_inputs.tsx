// Fields that several questions share: the model, how memory is counted, which devices train.

import type { Device } from '../gen/bitbudget/v1/planner_pb';
import type { Measured } from '../state/usual_question';
import { count, optional, real, type Fields, type Values } from '../text/fields';
import { Input, Inputs, Select, type InputsProps } from './inputs';

export const MODEL_FIELDS = {
  parameters: count('Parameters', 'parameters'),
  weightBits: real('Bits per weight', 'none', { atLeast: 1, below: 16 }),
};

export const MEMORY_FIELDS = {
  vocabulary: optional(count('Vocabulary', 'none', { atLeast: 0 })),
  contextTokens: optional(count('Context, tokens', 'tokens', { atLeast: 0 })),
  batch: optional(count('Sequences at once', 'none', { atLeast: 0 })),
  kvCacheBits: optional(real('Bits of the cache', 'none', { atLeast: 1, atMost: 32 })),
  groupSize: optional(count('Weights that share a scale', 'none', { atLeast: 0 })),
  embeddingBits: optional(real('Bits of the embedding', 'none', { atLeast: 1, atMost: 32 })),
  overheadShare: optional(real('Overhead, of all else', 'share', { atLeast: 0, atMost: 10 })),
};

export const HARDWARE_FIELDS = {
  device: optional<string>({
    label: 'Device',
    isOptional: true,
    parse: (text) => ({ value: text }),
  }),
  deviceCount: optional(count('Devices', 'none', { atLeast: 1, atMost: 1e6 })),
  utilization: optional(real('Share of the peak used', 'share', { above: 0, atMost: 1 })),
  pricePerDeviceHour: optional(real('Price of a device hour', 'none', { atLeast: 0 })),
};

/** The part of `values` that says how memory is counted. */
export function memoryModelOf(values: Values<typeof MEMORY_FIELDS>) {
  const names = Object.keys(MEMORY_FIELDS) as (keyof typeof MEMORY_FIELDS)[];
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

/** The devices to train on; undefined if none are named. */
export function hardwareOf(values: Values<typeof HARDWARE_FIELDS>) {
  const { device, deviceCount, utilization, pricePerDeviceHour } = values;
  if (device === undefined) return undefined;
  return {
    device,
    deviceCount: deviceCount === undefined ? undefined : Number(deviceCount),
    utilization,
    pricePerDeviceHour,
  };
}

interface ModelInputsProps<F extends Fields> extends InputsProps<F> {
  measured: Measured;
}

/** The model asked about; suggests those that were measured. */
export function ModelInputs<F extends typeof MODEL_FIELDS>(props: ModelInputsProps<F>) {
  const { form, refusal, measured } = props;
  const names = Object.keys(MODEL_FIELDS) as (keyof typeof MODEL_FIELDS)[];
  return (
    <>
      {names.map((name) => (
        <Input
          key={name}
          form={form}
          name={name}
          problem={refusal?.fieldProblems[name]}
          suggestions={measured[name].map(String)}
        />
      ))}
    </>
  );
}

/** Closed unless something in it is set or wrong. */
function isUsed<F extends Fields>(
  { form, refusal }: InputsProps<F>,
  names: readonly string[],
): boolean {
  return names.some((name) => form.texts[name] !== '' || refusal?.fieldProblems[name]);
}

export function MemoryInputs<F extends typeof MEMORY_FIELDS>({ form, refusal }: InputsProps<F>) {
  const names = Object.keys(MEMORY_FIELDS) as (keyof F & string)[];
  return (
    <details open={isUsed({ form, refusal }, names)}>
      <summary>How memory is counted</summary>
      <Inputs form={form} refusal={refusal} names={names} />
    </details>
  );
}

interface HardwareInputsProps<F extends Fields> extends InputsProps<F> {
  devices: readonly Device[];
}

export function HardwareInputs<F extends typeof HARDWARE_FIELDS>(props: HardwareInputsProps<F>) {
  const { form, refusal, devices } = props;
  const names = Object.keys(HARDWARE_FIELDS) as (keyof F & string)[];
  return (
    <details open={isUsed(props, names)}>
      <summary>Devices and price</summary>
      <Select
        label="Device"
        value={form.texts.device}
        options={[
          { value: '', label: 'none' },
          ...devices.map(({ name }) => ({ value: name, label: name })),
        ]}
        onChange={(device) => form.set('device', device)}
      />
      <Inputs form={form} refusal={refusal} names={names.filter((name) => name !== 'device')} />
    </details>
  );
}
