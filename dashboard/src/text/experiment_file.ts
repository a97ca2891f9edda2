// Files of experiments as the command line reads and writes them (docs/cli.md): CSV whose
// columns are fields of the contract, in any order.

import { Role, type Experiment, type ExperimentSchema } from '../gen/bitbudget/v1/experiment_pb';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { csvLine } from './csv';
import { CsvProblem, csvRows, type CsvRow } from './csv_reader';
import { parseCount, parseReal, type Parsed, type Unit } from './quantity';

export type ExperimentInit = MessageInitShape<typeof ExperimentSchema>;

/** What is wrong with a row, or with the file as a whole (line 0). */
export interface Problem {
  line: number;
  /** As the contract names it; empty if the row as a whole is wrong. */
  field: string;
  description: string;
}

export interface ExperimentFile {
  rows: ExperimentInit[];
  problems: Problem[];
}

interface Column {
  name: string;
  isRequired?: boolean;
  /** Sets the field to what the cell says. */
  read(cell: string): Parsed<ExperimentInit>;
  write(experiment: Experiment): string | number | bigint | undefined;
}

type CountField = 'parameters' | 'fpTokens' | 'qatTokens' | 'embeddingParameters' | 'groupSize';
type RealField = 'weightBits' | 'lossNats' | 'activationBits' | 'lossStderrNats';
type TextField = 'recipe' | 'optimizer' | 'schedule' | 'trunk' | 'note';

function set<T>(parsed: Parsed<T>, fields: (value: T) => ExperimentInit): Parsed<ExperimentInit> {
  return 'problem' in parsed ? parsed : { value: fields(parsed.value) };
}

function count(name: string, field: CountField, unit: Unit): Column {
  return {
    name,
    read: (cell) => set(parseCount(cell, unit), (value) => ({ [field]: value })),
    write: (experiment) => experiment[field],
  };
}

function real(name: string, field: RealField): Column {
  return {
    name,
    read: (cell) => set(parseReal(cell, 'none'), (value) => ({ [field]: value })),
    write: (experiment) => experiment[field],
  };
}

function text(name: TextField): Column {
  return {
    name,
    read: (cell) => ({ value: { [name]: cell } }),
    write: (experiment) => experiment[name],
  };
}

const REPLICATE: Column = {
  name: 'replicate',
  read: (cell) => set(parseCount(cell, 'none'), (value) => ({ replicate: Number(value) })),
  write: (experiment) => experiment.replicate,
};

const ROLES = Object.values(Role).filter(
  (role): role is Role => typeof role === 'number' && role !== Role.ROLE_UNSPECIFIED,
);

const ROLE: Column = {
  name: 'role',
  read(cell) {
    const name = cell.toUpperCase().replaceAll('-', '_');
    const role = ROLES.find((candidate) => Role[candidate] === name);
    return role === undefined
      ? { problem: `'${cell}' is none of ${ROLES.map((known) => Role[known]).join(', ')}` }
      : { value: { role } };
  },
  write: (experiment) => Role[experiment.role],
};

const required = (column: Column): Column => ({ ...column, isRequired: true });

const COLUMNS: readonly Column[] = [
  required(count('parameters', 'parameters', 'parameters')),
  required(count('fp_tokens', 'fpTokens', 'tokens')),
  required(count('qat_tokens', 'qatTokens', 'tokens')),
  required(real('weight_bits', 'weightBits')),
  required(real('loss_nats', 'lossNats')),
  count('embedding_parameters', 'embeddingParameters', 'parameters'),
  ROLE,
  text('recipe'),
  text('optimizer'),
  text('schedule'),
  real('activation_bits', 'activationBits'),
  count('group_size', 'groupSize', 'none'),
  text('trunk'),
  REPLICATE,
  real('loss_stderr_nats', 'lossStderrNats'),
  text('note'),
];

export const COLUMN_NAMES = COLUMNS.map(({ name }) => name);

/** The columns of a file, or why it cannot be read. */
function readHeader({ line, cells }: CsvRow): Column[] {
  const columns = cells.map((name, index) => {
    const column = COLUMNS.find((candidate) => candidate.name === name);
    if (!column) {
      const known = COLUMN_NAMES.join(', ');
      const remedy = 'bitbudget experiments import --columns MAP reads those of other programs';
      throw new CsvProblem(line, `unknown column '${name}' (columns: ${known}; ${remedy})`);
    }
    if (cells.indexOf(name) < index) {
      throw new CsvProblem(line, `column '${name}' stands there twice`);
    }
    return column;
  });
  const missing = COLUMNS.find((column) => column.isRequired && !columns.includes(column));
  if (missing) throw new CsvProblem(line, `the required column '${missing.name}' is missing`);
  return columns;
}

function readRow({ line, cells }: CsvRow, columns: readonly Column[], file: ExperimentFile): void {
  if (cells.length !== columns.length) {
    const description = `has ${cells.length} cells where the header has ${columns.length} columns`;
    file.problems.push({ line, field: '', description });
    return;
  }
  const row: ExperimentInit = { provenance: { line: BigInt(line) } };
  let isGood = true;
  columns.forEach(({ name, isRequired, read }, index) => {
    const cell = cells[index]!;
    if (cell === '' && !isRequired) return;
    const parsed: Parsed<ExperimentInit> = cell === '' ? { problem: 'is empty' } : read(cell);
    if ('value' in parsed) {
      Object.assign(row, parsed.value);
    } else {
      isGood = false;
      file.problems.push({ line, field: name, description: parsed.problem });
    }
  });
  if (isGood) file.rows.push(row);
}

/** Rows that are read before the page gets a turn. */
const ROWS_AT_A_TIME = 1_000;

/** Lets the page do what is waiting. */
export const nextTurn = () => new Promise((resolve) => setTimeout(resolve));

/** Reads a file, a little at a time so that the page stays quick. */
export async function readExperimentFile(content: string): Promise<ExperimentFile> {
  const file: ExperimentFile = { rows: [], problems: [] };
  try {
    let columns: Column[] | undefined;
    let count = 0;
    for (const row of csvRows(content)) {
      if (columns) readRow(row, columns, file);
      else columns = readHeader(row);
      if (++count % ROWS_AT_A_TIME === 0) await nextTurn();
    }
    if (!columns) throw new CsvProblem(1, 'the file is empty; it needs a header row');
  } catch (error) {
    if (!(error instanceof CsvProblem)) throw error;
    const { line, message } = error;
    return { rows: [], problems: [{ line, field: '', description: message }] };
  }
  return file;
}

export const CSV_HEADER = csvLine(COLUMN_NAMES);

/** A run as a line that readExperimentFile reads back. */
export function experimentLine(experiment: Experiment): string {
  return csvLine(COLUMNS.map(({ write }) => write(experiment)));
}
