// A plain table of rows, as CSV has them.

import { columnsOf, type Cell, type Row } from '../text/csv';
import { formatReal, words } from '../text/quantity';

/** More would make the page slow; the CSV file has all. */
const MOST_ROWS = 300;

function cellText(cell: Cell): string {
  if (cell === undefined || cell === null || Number.isNaN(cell)) return '';
  return typeof cell === 'number' ? formatReal(cell) : String(cell);
}

export function DataTable({ rows, label }: { rows: readonly Row[]; label: string }) {
  const columns = columnsOf(rows);
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {words(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column}>{cellText(row[column])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ROWS && (
        <p class="hint">
          The first {MOST_ROWS} of {rows.length} rows; the CSV file has all.
        </p>
      )}
    </div>
  );
}
