// Jobs as a table: which ones to draw, what became of each.

import type { Job } from '../gen/bitbudget/v1/job_pb';
import { attemptsText, kindText, lossText, progressText, remarkOf, stateText } from '../text/jobs';
import { lastPart } from '../text/quantity';
import './tables.css';

interface JobTableProps {
  jobs: readonly Job[];
  /** Names of the jobs whose curves are shown. */
  drawn: ReadonlySet<string>;
  /** Name of the job whose details are shown. */
  opened: string | undefined;
  onDraw(name: string, isDrawn: boolean): void;
  onOpen(name: string): void;
}

const HEADINGS = ['State', 'Kind', 'What', 'Attempts', 'Worker', 'Done', 'Train loss', 'Remarks'];

export function JobTable({ jobs, drawn, opened, onDraw, onOpen }: JobTableProps) {
  return (
    <div class="scroll tall" role="region" aria-label="Jobs" tabIndex={0}>
      <table class="dense">
        <thead>
          <tr>
            <th scope="col">Curve</th>
            <th scope="col">Job</th>
            {HEADINGS.map((heading) => (
              <th key={heading} scope="col">
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.name} aria-current={job.name === opened ? 'true' : undefined}>
              <td>
                <input
                  type="checkbox"
                  aria-label={`Curve of job ${lastPart(job.name)}`}
                  checked={drawn.has(job.name)}
                  onChange={(event) => onDraw(job.name, event.currentTarget.checked)}
                />
              </td>
              <td>
                <button type="button" class="link" onClick={() => onOpen(job.name)}>
                  {lastPart(job.name)}
                </button>
              </td>
              <td class={`state ${stateText(job.state)}`}>{stateText(job.state)}</td>
              <td>{kindText(job)}</td>
              <td class="what" title={job.label}>
                {job.label}
              </td>
              <td>{attemptsText(job)}</td>
              <td>{job.worker}</td>
              <td>{progressText(job)}</td>
              <td>{lossText(job)}</td>
              <td title={remarkOf(job)}>{remarkOf(job)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
