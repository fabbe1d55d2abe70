import type { HttpRequest } from './connection.ts';
import { isRecord, type JsonObject, parseJson } from './json.ts';
import { keepFile } from './openai-files.ts';
import { json, refused, type Reply } from './reply.ts';
import { type BatchLifecycle, pageOf, type Store, type StoredBatch } from './store.ts';

/** `/v1/batches…`: a batch goes on by one state with each look at it, so that a test decides how far it is. */
export type AnswerLine = (path: string, body: JsonObject) => { readonly status: number; readonly body: unknown };

const STATES = ['validating', 'in_progress', 'finalizing'];
const ENDPOINTS = new Set(['/v1/chat/completions', '/v1/responses', '/v1/embeddings', '/v1/completions', '/v1/moderations']);
const LINES_MAX = 50_000;

export function batchesReply(request: HttpRequest, store: Store, body: JsonObject, answer: AnswerLine): Reply {
  const [, , , id, verb] = request.path.split('/');
  if (id === undefined) return request.method === 'POST' ? create(store, body) : list(request, store);
  const batch = store.batches.get(id);
  if (batch === undefined) return refused('openai', 404, `No batch found with id '${id}'.`);
  if (verb === 'cancel') {
    if (!STATES.includes(batch.status)) return refused('openai', 409, `Cannot cancel a batch with status '${batch.status}'.`);
    enter(batch, 'cancelling');
  } else goOn(batch, store, answer);
  return json(batchObject(batch));
}

function create(store: Store, body: JsonObject): Reply {
  const { input_file_id: inputFileId, endpoint, completion_window: window, metadata } = body;
  if (typeof inputFileId !== 'string' || !store.files.has(inputFileId)) return refused('openai', 400, 'Invalid input file ID.', 'input_file_id');
  if (typeof endpoint !== 'string' || !ENDPOINTS.has(endpoint)) return refused('openai', 400, `Invalid endpoint: ${String(endpoint)}`, 'endpoint');
  if (window !== '24h') return refused('openai', 400, "Invalid value: 'completion_window' must be '24h'.", 'completion_window');
  const batch: StoredBatch = { id: `batch_fake_${store.nextBatchId()}`, looks: 0, status: '', state: { metadata: metadata ?? null }, inputFileId, endpoint };
  store.batches.set(batch.id, batch);
  enter(batch, 'validating');
  return json(batchObject(batch));
}

function list(request: HttpRequest, store: Store): Reply {
  const { page, hasMore } = pageOf([...store.batches.values()].toReversed(), request.query, 'after');
  return json({ object: 'list', data: page.map(batchObject), first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null, has_more: hasMore });
}

function goOn(batch: StoredBatch, store: Store, answer: AnswerLine): void {
  if (batch.status === 'cancelling') return finish({ batch, store, answer }, 'cancelled');
  if (!STATES.includes(batch.status)) return;
  batch.looks += 1;
  if (batch.looks < store.lifecycle.looks) {
    const state = STATES[Math.min(STATES.length - 1, Math.floor((batch.looks * STATES.length) / store.lifecycle.looks))] ?? 'finalizing';
    if (state !== batch.status) enter(batch, state);
    return;
  }
  finish({ batch, store, answer }, store.lifecycle.outcome);
}

type Finishing = { readonly batch: StoredBatch; readonly store: Store; readonly answer: AnswerLine };

/** Runs the lines and leaves the batch in its last state. */
function finish({ batch, store, answer }: Finishing, outcome: string): void {
  const text = Buffer.from(store.files.get(batch.inputFileId)?.bytes ?? []).toString();
  const { lines, problems } = readLines(text, batch.endpoint, store.lifecycle.refuses);
  if (problems.length > 0 || outcome === 'failed') {
    const listed = problems.length > 0 ? problems : [{ code: 'server_error', message: 'The batch failed.', param: null, line: null }];
    batch.state = { ...batch.state, errors: { object: 'list', data: listed } };
    return enter(batch, 'failed');
  }
  const answeredMax = outcome === 'completed' ? lines.length : (store.lifecycle.answered ?? 0);
  const good: string[] = [];
  const bad: string[] = [];
  for (const [index, line] of lines.entries()) {
    const head = { id: `batch_req_${batch.id}_${index}`, custom_id: line.customId };
    if (index >= answeredMax)
      bad.push(
        JSON.stringify({
          ...head,
          response: null,
          error: { code: `batch_${outcome}`, message: `This request could not be executed before the batch was ${outcome}.` },
        }),
      );
    else {
      const { status, body } = answer(batch.endpoint, line.body);
      (status === 200 ? good : bad).push(
        JSON.stringify({ ...head, response: { status_code: status, request_id: `req_${batch.id}_${index}`, body }, error: null }),
      );
    }
  }
  const counts = { total: lines.length, completed: good.length, failed: bad.length };
  const keep = (kind: string, all: readonly string[]): string | null => {
    const rows = outOfOrder(all, store.lifecycle.results);
    if (rows.length === 0) return null;
    return keepFile(store, { filename: `${batch.id}_${kind}.jsonl`, purpose: 'batch_output', bytes: Buffer.from(`${rows.join('\n')}\n`) }).id;
  };
  batch.state = { ...batch.state, request_counts: counts, output_file_id: keep('output', good), error_file_id: keep('error', bad) };
  enter(batch, outcome);
}

/** No order is promised. */
export function outOfOrder(rows: readonly string[], wrong: BatchLifecycle['results']): readonly string[] {
  const [first = '', ...others] = rows.toReversed();
  if (wrong === undefined || first === '') return rows.toReversed();
  if (wrong === 'one is missing') return others;
  return [first, ...others, wrong === 'one came twice' ? first : first.replace(/"custom_id":"[^"]*"/, '"custom_id":"somebody-1"')];
}

type Line = { readonly customId: string; readonly body: JsonObject };
type LineProblem = { readonly code: string; readonly message: string; readonly param: string | null; readonly line: number };

function readLines(text: string, endpoint: string, refuses: string | undefined): { lines: Line[]; problems: LineProblem[] } {
  const lines: Line[] = [];
  const problems: LineProblem[] = [];
  const seen = new Set<string>();
  for (const [index, row] of text.split('\n').entries()) {
    if (row.trim() === '') continue;
    const parsed = parseJson(row);
    const refuse = (code: string, message: string, param: string | null = null): void => void problems.push({ code, message, param, line: index + 1 });
    if (!isRecord(parsed)) refuse('invalid_json_line', 'This line is not parseable as valid JSON.');
    else if (typeof parsed['custom_id'] !== 'string') refuse('missing_required_parameter', 'Missing required parameter: custom_id.', 'custom_id');
    else if (seen.has(parsed['custom_id']))
      refuse('duplicate_custom_id', `The custom_id '${parsed['custom_id']}' for this request is a duplicate of another request.`, 'custom_id');
    else if (parsed['url'] !== endpoint) refuse('mismatched_url', `The URL must be ${endpoint}.`, 'url');
    else if (parsed['method'] !== 'POST') refuse('invalid_method', 'The method must be POST.', 'method');
    else if (!isRecord(parsed['body'])) refuse('missing_required_parameter', 'Missing required parameter: body.', 'body');
    else if (refuses !== undefined && row.includes(refuses)) refuse('invalid_request', `The request says ${refuses}.`, 'body');
    else {
      seen.add(parsed['custom_id']);
      lines.push({ customId: parsed['custom_id'], body: parsed['body'] });
    }
  }
  if (lines.length > LINES_MAX)
    problems.push({ code: 'too_many_requests', message: `At most ${LINES_MAX} requests fit into a batch.`, param: null, line: LINES_MAX + 1 });
  if (lines.length === 0 && problems.length === 0) problems.push({ code: 'empty_file', message: 'The input file is empty.', param: null, line: 1 });
  return { lines, problems };
}

function enter(batch: StoredBatch, status: string): void {
  const now = Math.floor(Date.now() / 1000);
  const moment = status === 'validating' ? 'created_at' : `${status}_at`;
  batch.status = status;
  batch.state = { ...batch.state, [moment]: now, ...(status === 'validating' ? { expires_at: now + 86_400 } : {}) };
}

function batchObject(batch: StoredBatch): unknown {
  const times = Object.fromEntries(
    ['in_progress', 'finalizing', 'completed', 'failed', 'expired', 'cancelling', 'cancelled'].map((status) => [`${status}_at`, null]),
  );
  return {
    id: batch.id,
    object: 'batch',
    endpoint: batch.endpoint,
    errors: null,
    input_file_id: batch.inputFileId,
    completion_window: '24h',
    output_file_id: null,
    error_file_id: null,
    ...times,
    request_counts: { total: 0, completed: 0, failed: 0 },
    ...batch.state,
    status: batch.status,
  };
}
