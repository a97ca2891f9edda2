// Tables as CSV (RFC 4180), numbers exact.

export type Cell = string | number | bigint | boolean | undefined | null;
export type Row = Record<string, Cell>;

function quoted(text: string): string {
  return /[",\n\r]|^ | $/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function cellText(cell: Cell): string {
  // Where the law describes no point there is no value.
  if (cell === undefined || cell === null || Number.isNaN(cell)) return '';
  return quoted(String(cell));
}

/** The names of all columns, in the order in which rows first have them. */
export function columnsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

export function csvLine(cells: readonly Cell[]): string {
  return cells.map(cellText).join(',') + '\n';
}

export function toCsv(rows: readonly Row[]): string {
  const columns = columnsOf(rows);
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  return lines.map(csvLine).join('');
}
