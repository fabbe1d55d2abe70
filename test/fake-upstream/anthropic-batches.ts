import type { HttpRequest } from './connection.ts';
import { isRecord, type JsonObject, listOf } from './json.ts';
import { type AnswerLine, outOfOrder } from './openai-batches.ts';
import { json, refused, type Reply } from './reply.ts';
import { pageOf, type Store, type StoredMessageBatch } from './store.ts';

/** `/v1/messages/batches…`. */
export function messageBatchesReply(request: HttpRequest, store: Store, body: JsonObject, answer: AnswerLine): Reply {
  const [, , , , id, verb] = request.path.split('/');
  if (id === undefined) return request.method === 'POST' ? create(request, store, body) : list(request, store, answer);
  const batch = store.messageBatches.get(id);
  if (batch === undefined) return refused('anthropic', 404, `Batch ${id} not found`);
  if (verb === 'results') {
    if (batch.status !== 'ended') return refused('anthropic', 404, 'The batch has no results yet.');
    return { kind: 'whole', status: 200, type: 'application/x-jsonl', body: resultsOf(batch, store) };
  }
  if (request.method === 'DELETE') {
    store.messageBatches.delete(id);
    return json({ id, type: 'message_batch_deleted' });
  }
  if (verb === 'cancel') {
    if (batch.status === 'in_progress') batch.status = 'canceling';
  } else goOn(batch, store, answer);
  return json(batchObject(request, batch));
}

function resultsOf({ results }: StoredMessageBatch, { lifecycle }: Store): string {
  const rows = results.map((line) => JSON.stringify(line));
  return outOfOrder(rows, lifecycle.results)
    .map((line) => `${line}\n`)
    .join('');
}

function create(request: HttpRequest, store: Store, body: JsonObject): Reply {
  const requests = listOf(body['requests']);
  const ids = requests.map((each) => (isRecord(each) ? each['custom_id'] : undefined));
  if (requests.length === 0) return refused('anthropic', 400, 'requests: at least one is required');
  if (new Set(ids).size < ids.length) return refused('anthropic', 400, 'requests: custom_id must be unique');
  const batch: StoredMessageBatch = {
    id: `msgbatch_fake_${store.nextBatchId()}`,
    looks: 0,
    status: 'in_progress',
    createdAt: new Date().toISOString(),
    endedAt: null,
    requests,
    results: [],
  };
  store.messageBatches.set(batch.id, batch);
  return json(batchObject(request, batch));
}

/** To be listed is to be looked at. */
function list(request: HttpRequest, store: Store, answer: AnswerLine): Reply {
  for (const batch of store.messageBatches.values()) goOn(batch, store, answer);
  const { page, hasMore } = pageOf([...store.messageBatches.values()].toReversed(), request.query, 'after_id');
  return json({ data: page.map((batch) => batchObject(request, batch)), first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null, has_more: hasMore });
}

function goOn(batch: StoredMessageBatch, store: Store, answer: AnswerLine): void {
  if (batch.status === 'ended') return;
  batch.looks += 1;
  const { lifecycle } = store;
  if (batch.status === 'in_progress' && batch.looks < lifecycle.looks) return;
  const cut = batch.status === 'canceling' ? 'canceled' : 'expired';
  const answeredMax = batch.status === 'in_progress' && lifecycle.outcome === 'completed' ? Infinity : (lifecycle.answered ?? 0);
  batch.results = batch.requests
    .filter(isRecord)
    .map((each, index) => ({ custom_id: each['custom_id'], result: index < answeredMax ? resultOf(each, answer) : { type: cut } }));
  batch.status = 'ended';
  batch.endedAt = new Date().toISOString();
}

function resultOf(request: JsonObject, answer: AnswerLine): unknown {
  const { status, body } = answer('/v1/messages', isRecord(request['params']) ? request['params'] : {});
  return status === 200 ? { type: 'succeeded', message: body } : { type: 'errored', error: body };
}

function batchObject(request: HttpRequest, batch: StoredMessageBatch): JsonObject {
  const count = (type: string): number => batch.results.filter((line) => isRecord(line['result']) && line['result']['type'] === type).length;
  return {
    id: batch.id,
    type: 'message_batch',
    processing_status: batch.status,
    created_at: batch.createdAt,
    ended_at: batch.endedAt,
    request_counts: {
      processing: batch.status === 'ended' ? 0 : batch.requests.length,
      succeeded: count('succeeded'),
      errored: count('errored'),
      canceled: count('canceled'),
      expired: count('expired'),
    },
    expires_at: new Date(Date.parse(batch.createdAt) + 86_400_000).toISOString(),
    cancel_initiated_at: null,
    archived_at: null,
    results_url: batch.status === 'ended' ? `http://${request.headers['host'] ?? 'localhost'}/v1/messages/batches/${batch.id}/results` : null,
  };
}
