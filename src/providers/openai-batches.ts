import type { Dialect } from '../core/model-request.ts';
import type { BatchedCall, BatchProblem, BatchResult, BatchSeen, EncodedCall, Found, OurBatch, ProviderBatches } from '../core/provider-batches.ts';
import { type Call, UpstreamError } from '../core/provider.ts';
import { decodeEmbeddings } from '../wire/openai-embeddings.ts';
import { countOf, type JsonObject, listOf, objectOf, parseObject, textOf } from '../wire/read-json.ts';
import type { AnswerCodec } from '../wire/upstream-codec.ts';
import { faultInAnswer, readError } from '../wire/upstream-fault.ts';
import { answered, bodyOf, objectLines, objectOfAnswer } from './batch-pieces.ts';
import { joinUrl, type Upstream } from './upstream.ts';

/** OpenAI's Batch API: https://platform.openai.com/docs/api-reference/batch. The requests are a file that is uploaded before, the results one or two more. */
type OpenaiBatching = {
  readonly baseUrl: string;
  readonly upstream: Upstream;
  /** What a call is said as, and at which path below the base address. */
  readonly say: (call: BatchedCall) => { readonly path: string; readonly body: JsonObject };
  /** How what was said at a path is read; null where it is no text. */
  readonly heardAt: (path: string) => { readonly dialect: Dialect; readonly codec: AnswerCodec } | null;
};

/** Its own limits of a file. */
const REQUESTS_MAX = 50_000;
const BYTES_MAX = 200 * 1024 * 1024;
/** Paths in a batch begin with it, whatever the address is. */
const ROOT = '/v1';
/** Under this name our id stands in the metadata of a batch. */
const OURS = 'sluice_batch';

export function openaiBatches(batching: OpenaiBatching): ProviderBatches {
  return { requestsMax: REQUESTS_MAX, bytesMax: BYTES_MAX, ...wording(batching), ...uploading(batching), ...running(batching) };
}

function wording({ say, heardAt }: OpenaiBatching): Pick<ProviderBatches, 'encode' | 'decode' | 'decodeEmbeddings'> {
  return {
    encode(asked): EncodedCall {
      const { path, body } = say(asked);
      const kind = `${ROOT}${path}`;
      return { kind, text: (customId) => JSON.stringify({ custom_id: customId, method: 'POST', url: kind, body }) };
    },
    decode(kind, request, said) {
      const heard = heardAt(kind.slice(ROOT.length));
      if (heard === null) throw new UpstreamError('broken', `A batch of ${kind} has no answers in words.`);
      const events = heard.codec.decodeAnswer(parseObject(said), request.model);
      return request.given?.dialect === heard.dialect ? [{ type: 'frame', event: null, data: said }, ...events] : events;
    },
    decodeEmbeddings: (request, said) => decodeEmbeddings(parseObject(said), request),
  };
}

function uploading({ baseUrl, upstream }: OpenaiBatching): Required<Pick<ProviderBatches, 'upload' | 'findUpload'>> {
  const filesUrl = joinUrl(baseUrl, '/files');
  return {
    async upload(ours, call) {
      const boundary = `sluice-${ours.id}`;
      const field = (disposition: string): string => `--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n`;
      const before = `${field('name="purpose"')}\r\nbatch\r\n${field(`name="file"; filename="${fileName(ours)}"`)}content-type: application/jsonl\r\n\r\n`;
      const pieces = bodyOf(ours, { before, between: '\n', after: `\n\r\n--${boundary}--\r\n` });
      return idOf(await objectOfAnswer(upstream, upstream.postPieces(filesUrl, { type: `multipart/form-data; boundary=${boundary}`, pieces }, call)));
    },
    async findUpload(ours, call) {
      for await (const file of newest(upstream, { url: `${filesUrl}?purpose=batch`, ours, call })) {
        if (file['filename'] === fileName(ours)) return idOf(file);
      }
      return null;
    },
  };
}

function running({ baseUrl, upstream }: OpenaiBatching): Pick<ProviderBatches, 'create' | 'find' | 'look' | 'cancel' | 'results'> {
  const url = joinUrl(baseUrl, '/batches');
  const urlOf = (id: string, verb = ''): string => `${url}/${encodeURIComponent(id)}${verb}`;
  return {
    async create({ id, kind, inputFileId }, call) {
      const body = JSON.stringify({ input_file_id: inputFileId, endpoint: kind, completion_window: '24h', metadata: { [OURS]: id } });
      // In pieces, though it is short: such a body goes out once, whatever becomes of its connection.
      const pieces = bodyOf({ requests: 0, bytes: 0, texts: noTexts }, { before: body, between: '', after: '' });
      return seenOf(await objectOfAnswer(upstream, upstream.postPieces(url, { type: 'application/json', pieces }, call)));
    },
    async find(ours, call): Promise<Found> {
      const found: BatchSeen[] = [];
      for await (const batch of newest(upstream, { url, ours, call })) {
        if (objectOf(batch['metadata'])[OURS] === ours.id) found.unshift(seenOf(batch));
      }
      return { ours: found, unclear: false };
    },
    look: async (id, call) => seenOf(await objectOfAnswer(upstream, upstream.get(urlOf(id), call))),
    async cancel(id, call) {
      await objectOfAnswer(upstream, upstream.post(urlOf(id, '/cancel'), {}, call));
    },
    async *results({ outputFileId, errorFileId }, call) {
      for (const fileId of [outputFileId, errorFileId]) {
        if (fileId === null) continue;
        const response = await answered(upstream, upstream.get(joinUrl(baseUrl, `/files/${encodeURIComponent(fileId)}/content`), call));
        for await (const line of objectLines(response.chunks())) yield resultOf(line, upstream);
      }
    },
  };
}

async function* noTexts(): AsyncGenerator<never, void> {}

function fileName({ id }: OurBatch): string {
  return `${id}.jsonl`;
}

type Listing = { readonly url: string; readonly ours: OurBatch; readonly call: Call };

const PAGE = 100;
/** How far the clocks of both sides may be apart. */
const CLOCKS_APART_MS = 60 * 60 * 1000;

/** What was made since ours was, the newest first. */
async function* newest(upstream: Upstream, { url: address, ours, call }: Listing): AsyncGenerator<JsonObject, void> {
  const url = new URL(address);
  url.searchParams.set('limit', String(PAGE));
  for (;;) {
    const { data, has_more: hasMore } = await objectOfAnswer(upstream, upstream.get(url.href, call));
    const entries = listOf(data).map(objectOf);
    for (const entry of entries) {
      const createdAt = countOf(entry['created_at']);
      if (createdAt !== null && createdAt * 1000 < ours.createdAt - CLOCKS_APART_MS) return;
      yield entry;
    }
    const last = textOf(entries.at(-1)?.['id']);
    if (hasMore !== true || last === '' || last === url.searchParams.get('after')) return;
    url.searchParams.set('after', last);
  }
}

function idOf(object: JsonObject): string {
  const id = textOf(object['id']);
  if (id === '') throw new UpstreamError('broken', 'The provider made something without an id.');
  return id;
}

const OUTCOMES: Readonly<Record<string, BatchSeen['outcome']>> = { completed: 'completed', failed: 'failed', expired: 'expired', cancelled: 'cancelled' };

function seenOf(batch: JsonObject): BatchSeen {
  const counts = objectOf(batch['request_counts']);
  const status = textOf(batch['status']);
  return {
    upstreamId: idOf(batch),
    status,
    outcome: OUTCOMES[status] ?? null,
    inputFileId: textOf(batch['input_file_id']) || null,
    outputFileId: textOf(batch['output_file_id']) || null,
    errorFileId: textOf(batch['error_file_id']) || null,
    results: (countOf(counts['completed']) ?? 0) + (countOf(counts['failed']) ?? 0),
    problems: listOf(objectOf(batch['errors'])['data']).map((each) => problemOf(objectOf(each))),
  };
}

function problemOf(problem: JsonObject): BatchProblem {
  const { code, message } = readError(problem);
  return { line: countOf(problem['line']), code: code || 'batch_failed', message: message || 'The provider refused the batch without saying why.' };
}

function resultOf(line: JsonObject, upstream: Upstream): BatchResult {
  const customId = textOf(line['custom_id']);
  const response = objectOf(line['response']);
  const status = countOf(response['status_code']);
  if (status !== null) {
    const text = JSON.stringify(response['body'] ?? null);
    return status === 200 ? { customId, type: 'said', text } : { customId, type: 'failed', fault: upstream.faultOf(status, text) };
  }
  const error = readError(objectOf(line['error']));
  if (error.code === 'batch_expired') return { customId, type: 'unanswered', why: 'expired' };
  if (error.code === 'batch_cancelled') return { customId, type: 'unanswered', why: 'cancelled' };
  return { customId, type: 'failed', fault: faultInAnswer(error) };
}
