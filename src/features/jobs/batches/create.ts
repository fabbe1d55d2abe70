import type { App } from '../../../app.ts';
import type { StoredFile } from '../../../app/keeping.ts';
import { BATCH_WINDOW_S, type NewBatchBody } from '../../../contract/batches.ts';
import { AppError } from '../../../contract/errors.ts';
import { isId } from '../../../contract/paging.ts';
import type { Exchange, Reply } from '../../../http/route.ts';
import { creatorOf } from '../creator.ts';
import { jobFacts } from '../show.ts';
import { insertJob, wakeProcessors } from '../store.ts';
import { batchObject } from './batch.ts';

const NAME_CHARS_MAX = 200;

/** Its file is looked into afterwards, by whoever processes jobs. */
export async function createBatch(app: App, exchange: Exchange<undefined, unknown, NewBatchBody>): Promise<Reply> {
  const { body, principal } = exchange;
  const { projectId } = principal;
  const file = await inputFile(app, projectId, body.input_file_id);
  const at = new Date(app.clock.now());
  const metadata = body.metadata ?? {};
  const row = {
    id: app.newId('batch'),
    project_id: projectId,
    creator: JSON.stringify(creatorOf(principal)),
    surface: 'openai',
    name: nameOf(metadata, file),
    endpoint: body.endpoint,
    metadata: JSON.stringify(metadata),
    input_file_id: file.id,
    output_expires_s: body.output_expires_after?.seconds ?? null,
    created_at: at,
    updated_at: at,
    submitted_at: at,
    expires_at: new Date(at.getTime() + BATCH_WINDOW_S * 1000),
  } as const;
  const job = await app.inProject(projectId, async (db) => {
    const made = await insertJob(db, row);
    await wakeProcessors(db, made.id);
    await app.audit(db, exchange, { action: 'job.create', projectId, targetId: made.id, after: jobFacts(made) });
    return made;
  });
  return { json: batchObject(job) };
}

async function inputFile(app: Pick<App, 'files'>, projectId: string, id: string): Promise<StoredFile> {
  const file = isId(id) ? await app.files.find(projectId, id) : null;
  if (file === null) throw new AppError('INVALID_VALUE', { field: 'input_file_id', message: `There is no file ${JSON.stringify(id.slice(0, 200))}` });
  if (file.purpose === 'batch') return file;
  throw new AppError('INVALID_VALUE', { field: 'input_file_id', message: `The file ${id} is for ${file.purpose}; upload it for the purpose "batch"` });
}

/** What people know a job by. */
function nameOf(metadata: Readonly<Record<string, string>>, { filename }: StoredFile): string {
  const said = (metadata['name'] ?? metadata['batch_description'] ?? metadata['description'] ?? '').replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return [...(said === '' ? filename : said)].slice(0, NAME_CHARS_MAX).join('');
}
