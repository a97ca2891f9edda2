// CSV files (RFC 4180) as the command line reads them (client/cli/experiment_file.h): quoted
// cells may hold line ends, empty lines are no rows, spaces around cells do not matter.

export interface CsvRow {
  /** Where it begins; 1 is the first line of the file. */
  line: number;
  cells: string[];
}

/** After a broken quote nothing can be told apart. */
export class CsvProblem extends Error {
  constructor(
    readonly line: number,
    message: string,
  ) {
    super(message);
  }
}

const BYTE_ORDER_MARK = '\uFEFF';

/** The rows of a file, read as they are asked for; throws a CsvProblem. */
export function* csvRows(text: string): Generator<CsvRow> {
  let at = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  for (let line = 1; at < text.length; ++line) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const row = text.slice(at, end);
    if (row.includes('"')) {
      const quoted = readQuotedRow(text, at, line);
      yield { line, cells: quoted.cells };
      line += quoted.lineEnds;
      at = quoted.end;
    } else {
      if (row.trim() !== '') yield { line, cells: row.split(',').map((cell) => cell.trim()) };
      at = end + 1;
    }
  }
}

interface QuotedRow {
  cells: string[];
  /** Line ends inside its cells. */
  lineEnds: number;
  /** Where the next row begins. */
  end: number;
}

const CELL_END = /[,\n]|$/g;
const BLANKS = /[ \t\r]*/y;

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.exec(text);
  return pattern.lastIndex;
}

function indexOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)!.index;
}

function misplacedQuote(line: number): CsvProblem {
  return new CsvProblem(
    line,
    'a quote stands where none may be; write " inside a quoted cell as ""',
  );
}

function readQuotedRow(text: string, start: number, line: number): QuotedRow {
  const cells: string[] = [];
  let lineEnds = 0;
  for (let at = start; ; ++at) {
    at = skip(BLANKS, text, at);
    if (text[at] === '"') {
      const { cell, end } = readQuotedCell(text, at + 1, line);
      cells.push(cell);
      lineEnds += cell.split('\n').length - 1;
      at = skip(BLANKS, text, end);
      if (at < text.length && text[at] !== ',' && text[at] !== '\n') throw misplacedQuote(line);
    } else {
      const end = indexOf(CELL_END, text, at);
      const cell = text.slice(at, end).trim();
      if (cell.includes('"')) throw misplacedQuote(line);
      cells.push(cell);
      at = end;
    }
    if (text[at] !== ',') return { cells, lineEnds, end: at + 1 };
  }
}

function readQuotedCell(text: string, start: number, line: number): { cell: string; end: number } {
  let cell = '';
  for (let at = start; ;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) throw new CsvProblem(line, 'the quote opened in this row is never closed');
    cell += text.slice(at, quote);
    if (text[quote + 1] !== '"') return { cell, end: quote + 1 };
    cell += '"';
    at = quote + 2;
  }
}
