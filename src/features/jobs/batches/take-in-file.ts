import type { StoredFile } from '../../../app/keeping.ts';
import type { BatchError } from '../../../contract/batches.ts';
import { ROWS_BYTES_MAX } from '../../../contract/job-rows.ts';
import { takeIn } from '../rows/take-in.ts';
import { changeKept } from '../run/states/store.ts';
import { type JobsApp, principalOf } from '../run/world.ts';
import type { JobColumns, JobRow } from '../store.ts';
import { assertModel } from '../template.ts';
import { type InputFacts, InputErrors, inputRows } from './input.ts';

const LINE_FEED = 10;

/** Takes the requests of a batch out of its file: all of them, or none, and then it says what is wrong with each. Null where nobody may go on with it here. */
export async function takeInFile(app: JobsApp, job: JobRow): Promise<JobRow | null> {
  const fileId = job.input_file_id ?? '';
  const file = await app.files.find(job.project_id, fileId);
  if (file === null)
    return refuse(app, job, [{ code: 'file_not_found', line: null, message: `The file ${fileId} is not there any more.`, param: 'input_file_id' }]);
  if (file.bytes > ROWS_BYTES_MAX) return refuse(app, job, [await tooLarge(app, file)]);
  const principal = await principalOf(app, job);
  const facts: InputFacts = {
    endpoint: job.endpoint,
    assertModel: (model) => (principal === null ? undefined : assertModel(app, principal, model)),
  };
  try {
    return await app.inProject(job.project_id, async (db) => {
      // Held by this until all of it is in: nobody else keeps it, however long that takes.
      const kept = await changeKept(db, job, {});
      if (kept === null) return null;
      const models: string[] = [];
      await takeIn(db, kept, withModels(inputRows(app.files.read(file), facts), models));
      const [model = null, ...others] = models;
      return changeKept(db, kept, { model: others.length === 0 ? model : null });
    });
  } catch (cause) {
    if (!(cause instanceof InputErrors)) throw cause;
    return refuse(app, job, cause.errors);
  }
}

type InputRows = ReturnType<typeof inputRows>;

async function* withModels(rows: InputRows, models: string[]): InputRows {
  const named = yield* rows;
  models.push(...named);
  return named;
}

async function refuse(app: JobsApp, job: JobRow, errors: readonly BatchError[]): Promise<JobRow | null> {
  const [first] = errors;
  const message = first === undefined ? '' : first.line === null ? first.message : `Line ${first.line}: ${first.message.replace(/^Line \d+:? /, '')}`;
  const columns: JobColumns = { error: JSON.stringify({ code: first?.code, message }), input_errors: JSON.stringify(errors) };
  return app.inProject(job.project_id, (db) => changeKept(db, job, columns));
}

async function tooLarge(app: Pick<JobsApp, 'files'>, file: StoredFile): Promise<BatchError> {
  let line = 1;
  for await (const piece of app.files.read(file, { from: 0, to: ROWS_BYTES_MAX - 1 })) {
    for (let at = piece.indexOf(LINE_FEED); at >= 0; at = piece.indexOf(LINE_FEED, at + 1)) line++;
  }
  return {
    code: 'file_too_large',
    line,
    message: `An input file has up to 200 MB; this one has ${file.bytes} bytes, and is beyond that on line ${line}.`,
    param: 'input_file_id',
  };
}
