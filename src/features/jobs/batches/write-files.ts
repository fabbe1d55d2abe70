import { BATCH_OUTPUT } from '../../../contract/files.ts';
import { eachOutcome } from '../rows/outcomes.ts';
import type { Outcome } from '../rows/store.ts';
import { changeKept } from '../run/states/store.ts';
import type { JobsApp } from '../run/world.ts';
import type { JobRow } from '../store.ts';
import { dropFile } from './store.ts';

type Kind = 'output' | 'error';
const COLUMN = { output: 'output_file_id', error: 'error_file_id' } as const;
const DAY_MS = 86_400_000;
/** Far less than a keeper may be silent. */
const RENEW_MS = 5000;

/**
 * Writes what came of a batch into its two files: each request stands in one of them. Files that were there before, because it was begun once
 * already or is through again after a retry, make place. Null where nobody may go on with it here.
 */
export async function writeFiles(app: JobsApp, job: JobRow): Promise<JobRow | null> {
  const begun = job.finalizing_at ?? new Date(app.clock.now());
  let kept = await app.inProject(job.project_id, (db) => changeKept(db, job, { finalizing_at: begun }));
  for (const kind of ['output', 'error'] as const) kept = kept && (await writeFile(app, kept, kind));
  return kept;
}

async function writeFile(app: JobsApp, job: JobRow, kind: Kind): Promise<JobRow | null> {
  const count = kind === 'output' ? job.completed_requests : job.failed_requests;
  const before = job[COLUMN[kind]];
  if (count === 0 && before === null) return job;
  const store = async (db: Parameters<typeof changeKept>[0], id: string | null): Promise<JobRow> => {
    if (before !== null) await dropFile(db, job.project_id, before);
    const kept = await changeKept(db, job, { [COLUMN[kind]]: id });
    if (kept === null) throw new NotKept();
    return kept;
  };
  try {
    if (count === 0) return await app.inProject(job.project_id, (db) => store(db, null));
    let after: JobRow | null = null;
    const expiresMs = job.output_expires_s === null ? app.config().file.retention.files_days * DAY_MS : job.output_expires_s * 1000;
    await app.files.put(job.project_id, lines(app, job, kind), {
      describe: () => ({ filename: `${job.id}_${kind}.jsonl`, purpose: BATCH_OUTPUT, expiresAt: app.clock.now() + expiresMs }),
      async within(db, file) {
        after = await store(db, file.id);
      },
    });
    return after;
  } catch (cause) {
    if (cause instanceof NotKept) return null;
    throw cause;
  }
}

/** Somebody else has the job by now. */
class NotKept extends Error {}

async function* lines(app: JobsApp, job: JobRow, kind: Kind): AsyncGenerator<Uint8Array, void> {
  let renewAt = app.clock.monotonic() + RENEW_MS;
  for await (const page of eachOutcome(app, job)) {
    if (app.clock.monotonic() > renewAt) {
      if ((await app.inProject(job.project_id, (db) => changeKept(db, job, {}))) === null) throw new NotKept();
      renewAt = app.clock.monotonic() + RENEW_MS;
    }
    const text = page.filter(({ error }) => (error === null) === (kind === 'output')).map((outcome) => line(job, outcome));
    if (text.length > 0) yield Buffer.from(text.join(''));
  }
}

/** Its answer is put in as the text that it is kept as. */
function line({ id }: JobRow, outcome: Outcome): string {
  const { custom_id: customId, status_code: status, request_id: requestId, response, error } = outcome;
  const answered = status !== null && response !== null;
  const head = `{"id":${JSON.stringify(`batch_req_${id.replace('batch_', '')}_${outcome.line}`)},"custom_id":${JSON.stringify(customId)},"response":`;
  if (answered) return `${head}{"status_code":${status},"request_id":${JSON.stringify(requestId ?? '')},"body":${response}},"error":null}\n`;
  return `${head}null,"error":${JSON.stringify({ code: error?.code ?? 'internal_error', message: error?.message ?? 'There is no answer' })}}\n`;
}
