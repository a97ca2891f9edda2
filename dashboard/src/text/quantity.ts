// Quantities as people write them, with the same rules as the command line:
// "86M", "30Btok", "1e21FLOP", "10%", "4GiB".

export type Unit = 'parameters' | 'tokens' | 'flops' | 'share' | 'bytes' | 'none';

export type Parsed<T> = { value: T } | { problem: string };

const EXAMPLES: Record<Unit, string> = {
  parameters: '86M, 2.2B or 86_000_000',
  tokens: '30B, 1.4T or 30_000_000_000',
  flops: '1e21 or 2Z',
  share: '0.1 or 10%',
  bytes: '4GiB, 80GB or 4294967296',
  none: '1000 or 1e3',
};

const WORDS: Record<Unit, RegExp> = {
  parameters: /(parameters|params|param)$/,
  tokens: /(tokens|token|tok)$/,
  flops: /(flops|flop)$/,
  share: /$^/,
  bytes: /$^/,
  none: /$^/,
};

const POWERS: Record<string, number> = {
  k: 3,
  m: 6,
  b: 9,
  g: 9,
  t: 12,
  p: 15,
  e: 18,
  z: 21,
};

const BYTE_UNITS: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

const NUMBER = /^([-+]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+)(?:e[-+]?\d{1,4})?)(.*)$/;

function bad(text: string, why: string, unit: Unit): { problem: string } {
  return { problem: `'${text}' ${why}; write for example ${EXAMPLES[unit]}` };
}

// The power of ten, or the factor, that a suffix stands for; undefined if none does.
function factorOf(suffix: string, unit: Unit): string | number | undefined {
  if (unit === 'bytes') return BYTE_UNITS[suffix];
  if (unit === 'share' && suffix === '%') return 'e-2';
  const letter = suffix.replace(WORDS[unit], '').trim();
  if (letter === '') return 'e0';
  return POWERS[letter] === undefined ? undefined : `e${POWERS[letter]}`;
}

/** A real number with its unit. */
export function parseReal(text: string, unit: Unit): Parsed<number> {
  const match = NUMBER.exec(text.trim().toLowerCase());
  if (!match) return bad(text, 'is not a number', unit);
  const digits = match[1]!.replaceAll('_', '');
  const suffix = match[2]!.trim();
  const factor = factorOf(suffix, unit);
  if (factor === undefined) {
    const what = unit === 'bytes' ? 'unit of memory' : 'power or unit known here';
    return bad(text, `ends in '${suffix}', which is no ${what}`, unit);
  }
  const value = typeof factor === 'number' ? Number(digits) * factor : scaled(digits, factor);
  if (!Number.isFinite(value)) return bad(text, 'is beyond the range of numbers', unit);
  return { value };
}

// Decimal arithmetic is exact: "2.2" and "e9" are read as one number, not multiplied.
function scaled(digits: string, power: string): number {
  const [mantissa, exponent = '0'] = digits.split('e');
  return Number(`${mantissa}e${Number(exponent) + Number(power.slice(1))}`);
}

/** A whole number with its unit, at least 0 and within 64 bits. */
export function parseCount(text: string, unit: Unit): Parsed<bigint> {
  const parsed = parseReal(text, unit);
  if ('problem' in parsed) return parsed;
  if (!Number.isInteger(parsed.value)) return bad(text, 'is not a whole number', unit);
  if (parsed.value < 0) return bad(text, 'is below 0', unit);
  if (parsed.value >= 2 ** 63) return bad(text, 'is beyond 64 bits', unit);
  return { value: BigInt(parsed.value) };
}

const LETTERS = ['', 'k', 'M', 'B', 'T', 'P'];

// Digits without zeros at the end: 1.5, 24.2, 0.0031; 2e-8 where it is small, 1.42e18 where
// it is larger than letters tell.
function digits(value: number, count: number): string {
  const size = Math.abs(value);
  const isReadable = size === 0 || (size >= 1e-4 && size < 1e15);
  if (isReadable || !Number.isFinite(value)) return String(Number(value.toPrecision(count)));
  const [mantissa, exponent] = value.toExponential(count - 1).split('e') as [string, string];
  return `${Number(mantissa)}e${exponent.replace('+', '')}`;
}

function threeDigits(value: number): string {
  return digits(value, 3);
}

/** "68.6k", "1.4T"; "2e+22" is written "2e22". */
export function formatQuantity(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || (size > 0 && size < 1)) return threeDigits(value);
  // 999.5 would round to four digits: it is 1 of the next letter.
  let thousands = 0;
  let rest = size;
  for (; rest >= 999.5 && thousands < LETTERS.length; ++thousands) rest /= 1000;
  const letter = LETTERS[thousands];
  if (letter === undefined) return threeDigits(value);
  return `${value < 0 ? '-' : ''}${threeDigits(rest)}${letter}`;
}

/** Tokens to train on: whole ones. */
export function formatTokens(tokens: number): string {
  return formatQuantity(Math.max(1, Math.round(tokens)));
}

export function formatBytes(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let power = 0;
  let rest = bytes;
  // 1023.5 would round to four digits: it is 1 of the next unit.
  for (; rest >= 1023.5 && power + 1 < names.length; ++power) rest /= 1024;
  return `${rest >= 999.5 ? rest.toFixed(0) : threeDigits(rest)} ${names[power]}`;
}

export function formatPercent(share: number): string {
  return `${threeDigits(100 * share)} %`;
}

/** A share that a law tells; so near to 0 or 1 is beyond what any law tells. */
export function formatShare(share: number): string {
  const edge = 1e-3;
  if (share < edge) return `below ${formatPercent(edge)}`;
  if (share > 1 - edge) return `above ${formatPercent(1 - edge)}`;
  return formatPercent(share);
}

export function formatLoss(lossNats: number): string {
  return lossNats.toFixed(4);
}

/** Beyond it digits behind the point tell nothing. */
const LARGEST_EVERYDAY_SIZE = 1e6;

/** "+0.0134", "-0.0365"; "+2.346e8" where it is beyond everyday size. */
export function formatSigned(value: number): string {
  const size = Math.abs(value);
  const isEveryday = size < LARGEST_EVERYDAY_SIZE;
  const text = isEveryday ? size.toFixed(4) : size.toExponential(3).replace('e+', 'e');
  return `${value < 0 ? '-' : '+'}${text}`;
}

export function formatReal(value: number): string {
  return digits(value, 4);
}

/** "qat_fraction" as words. */
export function words(name: string): string {
  return name.toLowerCase().replaceAll('_', ' ');
}

/** "3 warnings", "1 warning". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The last part of a resource name: "micro" of "studies/micro". */
export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
