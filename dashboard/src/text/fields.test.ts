import { expect, test } from 'vitest';

import { choice, count, list, optional, readForm, real } from './fields';

const FIELDS = {
  parameters: count('Parameters', 'parameters'),
  share: real('Share', 'share', { above: 0, below: 1 }),
  widths: list('Widths', 'none', { atLeast: 1 }),
  memory: optional(count('Memory', 'bytes')),
  goal: choice('Goal', ['tokens', 'money']),
};

const DEFAULTS = { parameters: '86M', share: '10%', goal: 'tokens' };

test('what the URL does not have is as the defaults say', () => {
  const { values, texts } = readForm(FIELDS, {}, DEFAULTS);
  expect(values).toEqual({
    parameters: 86_000_000n,
    share: 0.1,
    widths: [],
    memory: undefined,
    goal: 'tokens',
  });
  expect(texts.parameters).toBe('86M');
});

test('what the URL has comes first', () => {
  const url = { share: '0.25', widths: '1.58, 2,4', memory: '4GiB', other: 'x' };
  expect(readForm(FIELDS, url, DEFAULTS).values).toMatchObject({
    share: 0.25,
    widths: [1.58, 2, 4],
    memory: 4_294_967_296n,
  });
});

test('one problem leaves no values, and each stands with its field', () => {
  const url = { parameters: '0', share: '100%', widths: '2,x', memory: 'big', goal: 'fame' };
  const { values, problems } = readForm(FIELDS, url, DEFAULTS);
  expect(values).toBeUndefined();
  expect(problems).toEqual({
    parameters: 'must be at least 1',
    share: 'must be below 1',
    widths: expect.stringContaining("'x' is not a number"),
    memory: expect.stringContaining("'big' is not a number"),
    goal: "'fame' is not one of tokens, money",
  });
});

test('an empty field that is needed says so; its default does not come back', () => {
  expect(readForm(FIELDS, { parameters: ' ' }, DEFAULTS).problems).toEqual({
    parameters: 'is needed',
  });
});
