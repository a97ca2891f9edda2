// Small tables of text, on the page and in documents.

export interface TextTable {
  headings: readonly string[];
  rows: readonly (readonly string[])[];
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}

export function markdownTable({ headings, rows }: TextTable): string {
  return line(headings) + '|---'.repeat(headings.length) + '|\n' + rows.map(line).join('');
}

/** Columns that no row fills say nothing. */
export function withoutEmptyColumns({ headings, rows }: TextTable): TextTable {
  const isFilled = headings.map((_, column) => rows.some((row) => row[column] !== ''));
  const kept = (cells: readonly string[]) => cells.filter((_, column) => isFilled[column]);
  return { headings: kept(headings), rows: rows.map(kept) };
}
