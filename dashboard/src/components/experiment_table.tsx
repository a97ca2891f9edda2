// Runs as a table: ordered by its headings, chosen by its boxes.

import { useEffect, useRef } from 'preact/hooks';

import {
  ListExperimentsRequest_OrderBy as OrderBy,
  Role,
  type Experiment,
} from '../gen/bitbudget/v1/experiment_pb';
import { formatPercent, formatQuantity, lastPart, words } from '../text/quantity';
import './tables.css';

export interface Order {
  by: OrderBy;
  descending: boolean;
}

interface Column {
  heading: string;
  /** What a click on the heading orders by. */
  order?: OrderBy;
  text(run: Experiment): string;
  /** The whole, where the text is shortened. */
  title?(run: Experiment): string;
}

const allTokens = (run: Experiment) => Number(run.fpTokens + run.qatTokens);

function quantity(heading: string, value: (run: Experiment) => bigint, order?: OrderBy): Column {
  return {
    heading,
    ...(order !== undefined && { order }),
    text: (run) => formatQuantity(Number(value(run))),
    title: (run) => String(value(run)),
  };
}

const COLUMNS: readonly Column[] = [
  { heading: 'Run', order: OrderBy.CREATION, text: (run) => lastPart(run.name) },
  quantity('Parameters', (run) => run.parameters, OrderBy.PARAMETERS),
  { heading: 'Bits', order: OrderBy.WEIGHT_BITS, text: (run) => String(run.weightBits) },
  quantity('Tokens', (run) => run.fpTokens + run.qatTokens, OrderBy.TOTAL_TOKENS),
  {
    heading: 'QAT',
    text: (run) => formatPercent(Number(run.qatTokens) / allTokens(run)),
    title: (run) => `${run.qatTokens} of ${run.fpTokens + run.qatTokens}`,
  },
  { heading: 'Loss, nats', order: OrderBy.LOSS, text: (run) => String(run.lossNats) },
  { heading: 'Role', text: (run) => words(Role[run.role]) },
  { heading: 'Schedule', text: (run) => run.schedule },
  { heading: 'Recipe', text: (run) => run.recipe },
  { heading: 'Optimizer', text: (run) => run.optimizer },
  { heading: 'Trunk', text: (run) => run.trunk },
  { heading: 'Seed', text: (run) => String(run.replicate) },
  { heading: 'Batch', text: (run) => run.provenance?.importBatch ?? '' },
  {
    heading: 'Remarks',
    text: (run) => (run.excluded ? `excluded: ${run.excludeReason}` : run.note),
    title: (run) => [run.excludeReason, run.note].filter((text) => text !== '').join('; '),
  },
];

interface ExperimentTableProps {
  /** Another page begins at its top. */
  page: string;
  runs: readonly Experiment[];
  order: Order;
  chosen: ReadonlySet<string>;
  onOrder(order: Order): void;
  onChoose(names: readonly string[], isChosen: boolean): void;
}

export function ExperimentTable(props: ExperimentTableProps) {
  const { page, runs, order, chosen, onOrder, onChoose } = props;
  const region = useRef<HTMLDivElement>(null);
  useEffect(() => region.current?.scrollTo({ top: 0 }), [page]);
  const names = runs.map((run) => run.name);
  return (
    <div ref={region} class="scroll tall" role="region" aria-label="Runs" tabIndex={0}>
      <table class="dense">
        <thead>
          <tr>
            <td>
              <input
                type="checkbox"
                aria-label="Choose all runs of this page"
                checked={names.length > 0 && names.every((name) => chosen.has(name))}
                onChange={(event) => onChoose(names, event.currentTarget.checked)}
              />
            </td>
            {COLUMNS.map((column) => (
              <Heading key={column.heading} column={column} order={order} onOrder={onOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          {/* Without keys: another page is other text in the same cells, which is quicker. */}
          {runs.map((run) => (
            <tr class={run.excluded ? 'excluded' : ''}>
              <td>
                <input
                  type="checkbox"
                  aria-label={`Choose run ${lastPart(run.name)}`}
                  checked={chosen.has(run.name)}
                  onChange={(event) => onChoose([run.name], event.currentTarget.checked)}
                />
              </td>
              {COLUMNS.map(({ heading, text, title }) => (
                <td key={heading} title={title?.(run)}>
                  {text(run)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadingProps {
  column: Column;
  order: Order;
  onOrder(order: Order): void;
}

function Heading({ column, order, onOrder }: HeadingProps) {
  const by = column.order;
  if (by === undefined) return <th scope="col">{column.heading}</th>;
  const isOrdered = order.by === by;
  const direction = order.descending ? 'descending' : 'ascending';
  return (
    <th scope="col" aria-sort={isOrdered ? direction : 'none'}>
      <button
        type="button"
        class="sort"
        onClick={() => onOrder({ by, descending: isOrdered && !order.descending })}
      >
        {column.heading}
        <span aria-hidden="true">{isOrdered ? (order.descending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
}
