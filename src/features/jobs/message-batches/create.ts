import type { App } from '../../../app.ts';
import { BATCH_WINDOW_S } from '../../../contract/batches.ts';
import { AppError } from '../../../contract/errors.ts';
import type { NewMessageBatchBody } from '../../../contract/message-batches.ts';
import type { Exchange, Reply } from '../../../http/route.ts';
import { creatorOf } from '../creator.ts';
import { type IncomingRow, takeIn } from '../rows/take-in.ts';
import { jobFacts } from '../show.ts';
import { insertJob, updateJob, wakeProcessors } from '../store.ts';
import { messageBatch } from './batch.ts';

export async function createMessageBatch(app: App, exchange: Exchange<undefined, unknown, NewMessageBatchBody>): Promise<Reply> {
  const { body, principal } = exchange;
  const { projectId } = principal;
  const { requests } = body;
  assertNamesDiffer(requests);
  const at = new Date(app.clock.now());
  const row = {
    id: app.newId('msgbatch'),
    project_id: projectId,
    creator: JSON.stringify(creatorOf(principal)),
    surface: 'anthropic',
    name: `${requests.length} messages`,
    endpoint: '/v1/messages',
    model: onlyModel(requests),
    created_at: at,
    updated_at: at,
    expires_at: new Date(at.getTime() + BATCH_WINDOW_S * 1000),
  } as const;
  const json = await app.inProject(projectId, async (db) => {
    const made = await insertJob(db, row);
    await takeIn(db, made, rowsOf(requests));
    const submitted = await updateJob(db, made.id, { submitted_at: at });
    await wakeProcessors(db, made.id);
    await app.audit(db, exchange, { action: 'job.create', projectId, targetId: made.id, after: jobFacts(submitted) });
    return messageBatch(db, submitted);
  });
  return { json };
}

type Requests = NewMessageBatchBody['requests'];

function assertNamesDiffer(requests: Requests): void {
  const seen = new Set<string>();
  for (const [index, { custom_id: name }] of requests.entries()) {
    if (seen.has(name))
      throw new AppError('INVALID_VALUE', { field: `requests[${index}].custom_id`, message: `requests[${index}].custom_id: ${name} is there already` });
    seen.add(name);
  }
}

function onlyModel(requests: Requests): string | null {
  const [first, ...others] = new Set(requests.map(({ params }) => params['model']));
  return others.length === 0 && typeof first === 'string' && first !== '' ? first : null;
}

async function* rowsOf(requests: Requests): AsyncGenerator<IncomingRow, void> {
  for (const [index, { custom_id: customId, params }] of requests.entries()) yield { line: index + 1, customId, body: params };
}
