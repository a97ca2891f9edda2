// Small tables of text.

import type { ComponentChildren } from 'preact';

import type { TextTable } from '../text/text_table';

export function TextTableView({ table, label }: { table: TextTable; label: string }) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {table.headings.map((heading) => (
              <th key={heading} scope="col">
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) =>
                column === 0 ? <th scope="row">{cell}</th> : <td>{cell}</td>,
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface TableCardProps {
  title: string;
  table: TextTable;
  /** What is to be said of it. */
  children?: ComponentChildren;
}

/** A table on a card of its own, called by its title. */
export function TableCard({ title, table, children }: TableCardProps) {
  return (
    <section class="card">
      <h2>{title}</h2>
      <TextTableView table={table} label={title} />
      {children}
    </section>
  );
}
