// Where one drops a CSV file of runs: it is read at once, what is wrong with it is told by line
// and field, and it is stored when the reader says so.

import { useEffect, useId, useState } from 'preact/hooks';

import { importExperiments } from '../rpc/import_experiments';
import { useAction } from '../rpc/use_action';
import { COLUMN_NAMES, readExperimentFile, type Problem } from '../text/experiment_file';
import type { ExperimentFile } from '../text/experiment_file';
import { counted } from '../text/quantity';
import { RefusalCard } from './answer';
import { TextTableView } from './text_table';

interface DroppedFile extends ExperimentFile {
  name: string;
}

interface ImportDropProps {
  study: string;
  /** To be called when runs have been stored. */
  onStored(): void;
}

async function readFile(file: File): Promise<DroppedFile> {
  try {
    const content = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    return { name: file.name, ...(await readExperimentFile(content)) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const description = 'has bytes that are no UTF-8 text; save it as UTF-8';
    return { name: file.name, rows: [], problems: [{ line: 0, field: '', description }] };
  }
}

export function ImportDrop({ study, onStored }: ImportDropProps) {
  const [file, setFile] = useState<DroppedFile>();
  const [sent, setSent] = useState(0);
  const reading = useAction(async (_, dropped: File) => setFile(await readFile(dropped)));
  const storing = useAction(async (signal, { name, rows }: DroppedFile) => {
    setSent(0);
    const result = await importExperiments(signal, study, name, rows, setSent);
    if (result.created > 0) onStored();
    if (result.problems.length === 0) setFile(undefined);
    return { name, ...result };
  });
  const isBusy = reading.pending || storing.pending;

  function take(files: FileList | null | undefined) {
    if (files?.[0] && !isBusy) void reading.run(files[0]);
  }

  return (
    <section class="card stack" aria-label="Import" aria-busy={isBusy}>
      <DropZone onFiles={take} />
      {file && <FileReport file={file} isBusy={isBusy} onImport={() => void storing.run(file)} />}
      <div role="status">
        {reading.pending && <p class="hint">Reading.</p>}
        {storing.pending && (
          <p class="hint">
            {sent} of {counted(file?.rows.length ?? 0, 'run')} sent.
          </p>
        )}
        {storing.result && (
          <p>
            {storing.result.name}: {storing.result.created} stored, {storing.result.unchanged}{' '}
            unchanged
            {storing.result.problems.length > 0 && ', the rest not, for what is wrong below'}
            {storing.result.revision !== undefined && `; revision ${storing.result.revision}`}.
          </p>
        )}
      </div>
      {storing.result && <Problems problems={storing.result.problems} />}
      {storing.refusal && <RefusalCard refusal={storing.refusal} />}
    </section>
  );
}

/** A file that misses its place would be opened by the browser instead of the page. */
function useSafeDrops(): void {
  useEffect(() => {
    const prevent = (event: Event) => event.preventDefault();
    addEventListener('dragover', prevent);
    addEventListener('drop', prevent);
    return () => {
      removeEventListener('dragover', prevent);
      removeEventListener('drop', prevent);
    };
  }, []);
}

function DropZone({ onFiles }: { onFiles(files: FileList | null | undefined): void }) {
  const id = useId();
  const [isOver, setOver] = useState(false);
  useSafeDrops();
  return (
    <div
      class={`drop ${isOver ? 'over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onFiles(event.dataTransfer?.files);
      }}
    >
      <label for={id}>Drop a CSV file of runs here, or choose one</label>
      <input
        id={id}
        type="file"
        accept=".csv,text/csv"
        onChange={(event) => {
          onFiles(event.currentTarget.files);
          event.currentTarget.value = ''; // the same file, corrected, may come again
        }}
      />
      <details>
        <summary>Its columns</summary>
        <p class="hint">{COLUMN_NAMES.join(', ')}; the first five are required, in any order.</p>
        <p class="hint">
          Tables of W&amp;B, MLflow and others are read by the command line: bitbudget experiments
          import --columns.
        </p>
      </details>
    </div>
  );
}

interface FileReportProps {
  file: DroppedFile;
  isBusy: boolean;
  onImport(): void;
}

function FileReport({ file: { name, rows, problems }, isBusy, onImport }: FileReportProps) {
  if (problems.length > 0) {
    return (
      <>
        <p class="problem">
          {name}: {counted(problems.length, 'problem')}; nothing is stored until they are corrected.
        </p>
        <Problems problems={problems} />
      </>
    );
  }
  if (rows.length === 0) return <p class="problem">{name} has a header and no runs.</p>;
  return (
    <p class="heading">
      {name}: {counted(rows.length, 'run')}, nothing wrong so far.
      <button type="button" disabled={isBusy} onClick={onImport}>
        Import
      </button>
    </p>
  );
}

/** More are no help; what is wrong is often the same thing. */
const MOST_PROBLEMS = 100;

function Problems({ problems }: { problems: readonly Problem[] }) {
  if (problems.length === 0) return null;
  return (
    <>
      <TextTableView
        label="What is wrong"
        table={{
          headings: ['Line', 'Field', 'Problem'],
          rows: problems
            .slice(0, MOST_PROBLEMS)
            .map(({ line, field, description }) => [
              line === 0 ? '' : String(line),
              field,
              description,
            ]),
        }}
      />
      {problems.length > MOST_PROBLEMS && (
        <p class="hint">
          The first {MOST_PROBLEMS} of {problems.length}.
        </p>
      )}
    </>
  );
}
