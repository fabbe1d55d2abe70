import { describe, expect, test } from 'bun:test';
import type { BatchedCall, BatchResult, OurBatch, ProviderBatches } from '../core/provider-batches.ts';
import { type Call, UpstreamError, type UpstreamRequest } from '../core/provider.ts';
import { anthropicProvider } from './anthropic.ts';
import { openaiProvider } from './openai.ts';

/** The batches of both vendors, against what their documentation shows them to answer. */

type Answer = { readonly status?: number; readonly text?: string; readonly pieces?: readonly (string | Uint8Array)[] };
type Sent = { readonly method: string; readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string };

/** Answers each request with the first row that its method and address begin with. */
function fakeCall(answers: Readonly<Record<string, Answer | Answer[]>>): Call & { readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const send = async ({ method, url, headers, body = '', pieces }: UpstreamRequest) => {
    const bytes: Uint8Array[] = [];
    if (pieces) for await (const piece of pieces.bytes) bytes.push(piece);
    const whole = Buffer.concat(bytes);
    if (pieces) expect(whole.length).toBe(pieces.length ?? -1);
    sent.push({ method, url, headers, body: pieces ? whole.toString() : body });
    const asked = `${method} ${url}`;
    const row = Object.entries(answers).find(([start]) => asked.startsWith(start));
    if (!row) throw new Error(`nobody answers ${asked}`);
    const { status = 200, text = '', pieces: parts = [text] } = (Array.isArray(row[1]) ? row[1].shift() : row[1]) ?? {};
    return {
      status,
      headers: new Headers(),
      text: () => Promise.resolve(text),
      async *chunks() {
        for (const part of parts) yield await Promise.resolve(typeof part === 'string' ? Buffer.from(part) : part);
      },
    };
  };
  return { send, signal: new AbortController().signal, requestId: 'r', random: () => 0, sleep: () => Promise.resolve(), sent };
}

function ours(more: Partial<OurBatch> = {}): OurBatch {
  return {
    id: 'pb_1',
    kind: '/v1/chat/completions',
    createdAt: Date.UTC(2026, 10, 21, 12),
    triedAt: Date.UTC(2026, 10, 21, 12),
    requests: 3,
    bytes: 6,
    inputFileId: 'file-1',
    async *texts() {
      yield await Promise.resolve(['{1', '}1']);
      yield [];
      yield ['é'];
    },
    knownAmong: () => Promise.resolve(new Set<string>()),
    ...more,
  };
}

function encoded(batches: ProviderBatches, customId: string, call: BatchedCall): { readonly kind: string; readonly text: string } {
  const { kind, text } = batches.encode(call);
  return { kind, text: text(customId) };
}

async function all(results: AsyncIterable<BatchResult>): Promise<BatchResult[]> {
  const read: BatchResult[] = [];
  for await (const result of results) read.push(result);
  return read;
}

function batchesOf(provider: { readonly batches?: ProviderBatches }): ProviderBatches {
  if (!provider.batches) throw new Error('it has no batches');
  return provider.batches;
}

const describeModel = (id: string) => ({ id, contextTokens: 1000, outputTokensMax: 500, capabilities: [] });
const listed = (data: object[], more = false): Answer => ({ text: JSON.stringify({ data, has_more: more, last_id: 'x' }) });
const SECONDS = Date.UTC(2026, 10, 21, 12) / 1000;
const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Hello' }], stream: false };

describe('of OpenAI', () => {
  const HOST = 'http://127.0.0.1:9/v1';
  const batches = batchesOf(
    openaiProvider({
      id: 'openai',
      baseUrl: HOST,
      apiKey: 'key-12345678',
      dialects: ['openai-chat', 'openai-responses'],
      models: [],
      open: true,
      hasBatches: true,
    }),
  );
  const BATCH = {
    id: 'batch_abc123',
    object: 'batch',
    endpoint: '/v1/chat/completions',
    errors: null,
    input_file_id: 'file-1',
    completion_window: '24h',
    status: 'completed',
    output_file_id: 'file-out',
    error_file_id: 'file-err',
    created_at: SECONDS,
    request_counts: { total: 4, completed: 1, failed: 3 },
    metadata: { sluice_batch: 'pb_1' },
  };

  test('a call stands in a line under its path, in the dialect that it wants', () => {
    const chat = encoded(batches, 'pb_1_1', { type: 'chat', request });
    expect(chat.kind).toBe('/v1/chat/completions');
    expect(JSON.parse(chat.text)).toMatchObject({ custom_id: 'pb_1_1', method: 'POST', url: '/v1/chat/completions', body: { model: 'm' } });
    const responses = encoded(batches, 'pb_1_2', { type: 'chat', request: { ...request, dialect: 'openai-responses' } });
    expect([responses.kind, JSON.parse(responses.text)]).toMatchObject(['/v1/responses', { url: '/v1/responses', body: { model: 'm' } }]);
    const embed = encoded(batches, 'pb_1_3', { type: 'embed', request: { model: 'e', texts: ['a'] } });
    expect([embed.kind, JSON.parse(embed.text)]).toMatchObject(['/v1/embeddings', { body: { model: 'e', input: ['a'] } }]);
  });

  test('the requests are uploaded as one file under our name', async () => {
    const call = fakeCall({ [`POST ${HOST}/files`]: { text: '{"id":"file-9","object":"file"}' } });
    expect(await batches.upload?.(ours(), call)).toBe('file-9');
    const [sent] = call.sent;
    const form = await new Response(sent?.body ?? '', { headers: { 'content-type': sent?.headers['content-type'] ?? '' } }).formData();
    const file = form.get('file');
    expect([form.get('purpose'), file instanceof File && file.name, file instanceof File && (await file.text())]).toEqual([
      'batch',
      'pb_1.jsonl',
      '{1\n}1\né\n',
    ]);
  });

  test('an upload of which no answer came is found by its name, on later pages too, and not among older ones', async () => {
    const file = (id: string, filename: string, createdAt = SECONDS) => ({ id, filename, created_at: createdAt });
    const url = `GET ${HOST}/files?purpose=batch`;
    const call = fakeCall({ [url]: [listed([file('f3', 'pb_3.jsonl'), file('f2', 'pb_2.jsonl')], true), listed([file('f1', 'pb_1.jsonl')])] });
    expect(await batches.findUpload?.(ours(), call)).toBe('f1');
    expect(new URL(call.sent[1]?.url ?? '').searchParams.get('after')).toBe('f2');
    expect(await batches.findUpload?.(ours(), fakeCall({ [url]: listed([file('f0', 'pb_1.jsonl', SECONDS - 86_400)], true) }))).toBeNull();
  });

  test('a batch is made with our id in its metadata, and found by it', async () => {
    const call = fakeCall({
      [`POST ${HOST}/batches`]: { text: JSON.stringify({ ...BATCH, status: 'validating', output_file_id: null, error_file_id: null }) },
    });
    const seen = await batches.create(ours(), call);
    expect(seen).toMatchObject({ upstreamId: 'batch_abc123', status: 'validating', outcome: null, inputFileId: 'file-1', outputFileId: null, results: 4 });
    expect(JSON.parse(call.sent[0]?.body ?? '')).toEqual({
      input_file_id: 'file-1',
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { sluice_batch: 'pb_1' },
    });
    const made = { data: [{ ...BATCH, id: 'second' }, { ...BATCH, id: 'other', metadata: null }, BATCH], has_more: false };
    const found = await batches.find(ours(), fakeCall({ [`GET ${HOST}/batches?limit=100`]: { text: JSON.stringify(made) } }));
    expect(found).toMatchObject({ ours: [{ upstreamId: 'batch_abc123' }, { upstreamId: 'second' }], unclear: false });
  });

  test('what made it fail is told with its line', async () => {
    const errors = { object: 'list', data: [{ code: 'invalid_json_line', message: 'not JSON', param: null, line: 7 }, {}] };
    const call = fakeCall({ [`GET ${HOST}/batches/batch_abc123`]: { text: JSON.stringify({ ...BATCH, status: 'failed', errors }) } });
    expect(await batches.look('batch_abc123', call)).toMatchObject({
      outcome: 'failed',
      problems: [
        { line: 7, code: 'invalid_json_line', message: 'not JSON' },
        { line: null, code: 'batch_failed' },
      ],
    });
  });

  const OUTPUT =
    '{"id":"r1","custom_id":"pb_1_2","response":{"status_code":200,"request_id":"x","body":{"model":"m","choices":[{"message":{"content":"Hí"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}},"error":null}\n';
  const ERRORS = [
    '{"id":"r2","custom_id":"pb_1_1","response":{"status_code":400,"request_id":"y","body":{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}},"error":null}',
    '{"id":"r3","custom_id":"pb_1_3","response":null,"error":{"code":"batch_expired","message":"This request could not be executed before the completion window expired."}}',
    '{"id":"r4","custom_id":"pb_1_4","response":null,"error":{"code":"batch_cancelled","message":"This batch was cancelled."}}',
  ].join('\n');

  test('results come from both files, cut anywhere, each with what became of it', async () => {
    const bytes = Buffer.from(OUTPUT);
    for (let at = 1; at < bytes.length; at++) {
      const call = fakeCall({
        [`GET ${HOST}/files/file-out/content`]: { pieces: [bytes.subarray(0, at), bytes.subarray(at)] },
        [`GET ${HOST}/files/file-err/content`]: { text: ERRORS },
      });
      const results = await all(batches.results({ ...(await seenBatch(batches, HOST, BATCH)) }, call));
      expect(results.map(({ customId, type }) => [customId, type])).toEqual([
        ['pb_1_2', 'said'],
        ['pb_1_1', 'failed'],
        ['pb_1_3', 'unanswered'],
        ['pb_1_4', 'unanswered'],
      ]);
    }
    const call = fakeCall({ [`GET ${HOST}/files/file-out/content`]: { text: OUTPUT }, [`GET ${HOST}/files/file-err/content`]: { text: ERRORS } });
    const [said, failed, expired, cancelled] = await all(batches.results(await seenBatch(batches, HOST, BATCH), call));
    expect(failed).toMatchObject({ fault: { fault: 'rejected', status: 400, words: 'too long', code: 'context_length_exceeded' } });
    expect([expired, cancelled]).toMatchObject([{ why: 'expired' }, { why: 'cancelled' }]);
    const events = said?.type === 'said' ? batches.decode('/v1/chat/completions', request, said.text) : [];
    expect(events).toContainEqual({ type: 'text-delta', text: 'Hí' });
    expect(events.some(({ type }) => type === 'frame')).toBe(false);
  });

  test('half a line is no result, and neither is one that is no JSON', async () => {
    for (const text of [OUTPUT.slice(0, -20), '<html>\n']) {
      const call = fakeCall({ [`GET ${HOST}/files/file-out/content`]: { text } });
      const failure: unknown = await all(batches.results(await seenBatch(batches, HOST, BATCH), call)).catch((cause: unknown) => cause);
      expect(failure).toBeInstanceOf(UpstreamError);
      expect(failure).toMatchObject({ fault: 'broken' });
    }
  });

  test("a caller who spoke the provider's dialect gets its words", () => {
    const given = { dialect: 'openai-chat' as const, body: { messages: [], logit_bias: {} }, untold: [] };
    const said = '{"model":"m","x":1,"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}';
    expect(batches.decode('/v1/chat/completions', { ...request, given }, said)[0]).toEqual({ type: 'frame', event: null, data: said });
  });

  test('what is refused is told as anywhere', async () => {
    const call = fakeCall({ [`POST ${HOST}/batches`]: { status: 429, text: '{"error":{"message":"slow down key-12345678","code":"rate_limit_exceeded"}}' } });
    expect(await batches.create(ours(), call).catch((cause: unknown) => cause)).toMatchObject({ fault: 'rate_limited', status: 429, words: 'slow down [key]' });
  });
});

async function seenBatch(batches: ProviderBatches, host: string, batch: object) {
  return batches.look('b', fakeCall({ [`GET ${host}/batches/b`]: { text: JSON.stringify(batch) } }));
}

describe('of Anthropic', () => {
  const HOST = 'http://127.0.0.1:9';
  const batches = batchesOf(
    anthropicProvider({
      id: 'anthropic',
      baseUrl: HOST,
      apiKey: 'key-12345678',
      models: [],
      open: true,
      describe: describeModel,
      headers: { 'anthropic-beta': 'b-1' },
    }),
  );
  const BATCH = {
    id: 'msgbatch_1',
    type: 'message_batch',
    processing_status: 'in_progress',
    request_counts: { processing: 3, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    ended_at: null,
    created_at: '2026-11-21T12:00:05Z',
    results_url: null,
  };
  const ENDED = { ...BATCH, processing_status: 'ended', request_counts: { processing: 0, succeeded: 1, errored: 1, canceled: 0, expired: 1 } };
  const RESULTS = [
    '{"custom_id":"pb_1_1","result":{"type":"succeeded","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":1}}}}',
    '{"custom_id":"pb_1_2","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: required"}}}}',
    '{"custom_id":"pb_1_3","result":{"type":"expired"}}',
    '{"custom_id":"pb_1_4","result":{"type":"canceled"}}',
  ].join('\n');

  test('a call is a request with its parameters, and never asks for a stream', () => {
    const { kind, text } = encoded(batches, 'pb_1_1', { type: 'chat', request });
    expect([kind, JSON.parse(text)]).toMatchObject(['/v1/messages', { custom_id: 'pb_1_1', params: { model: 'm', max_tokens: 500 } }]);
    expect(text).not.toContain('stream');
    expect(() => encoded(batches, 'pb_1_1', { type: 'embed', request: { model: 'e', texts: ['a'] } })).toThrow('hold no embeddings');
  });

  test('all requests are sent as one body, of a length that is known before', async () => {
    const call = fakeCall({ [`POST ${HOST}/v1/messages/batches`]: { text: JSON.stringify(BATCH) } });
    expect(await batches.create(ours(), call)).toMatchObject({ upstreamId: 'msgbatch_1', status: 'in_progress', outcome: null });
    expect(call.sent[0]).toMatchObject({
      body: '{"requests":[{1,}1,é]}',
      headers: { 'content-type': 'application/json', 'x-api-key': 'key-12345678', 'anthropic-beta': 'b-1' },
    });
    expect(batches.upload).toBeUndefined();
  });

  test('one that is over is ours by the ids of its results; one of our size that runs may be; others are not', async () => {
    const list = `GET ${HOST}/v1/messages/batches?limit=100`;
    const results = { [`GET ${HOST}/v1/messages/batches/msgbatch_1/results`]: { text: RESULTS } };
    expect(await batches.find(ours(), fakeCall({ [list]: listed([ENDED]), ...results }))).toMatchObject({
      ours: [{ upstreamId: 'msgbatch_1', outcome: 'expired' }],
      unclear: false,
    });
    expect(await batches.find(ours({ id: 'pb_2' }), fakeCall({ [list]: listed([ENDED]), ...results }))).toEqual({ ours: [], unclear: false });
    expect(await batches.find(ours(), fakeCall({ [list]: listed([BATCH]) }))).toEqual({ ours: [], unclear: true });
    const known = ours({ knownAmong: () => Promise.resolve(new Set(['msgbatch_1'])) });
    expect(await batches.find(known, fakeCall({ [list]: listed([BATCH]) }))).toEqual({ ours: [], unclear: false });
    expect(await batches.find(ours({ requests: 4 }), fakeCall({ [list]: listed([BATCH]) }))).toEqual({ ours: [], unclear: false });
    const later = { ...BATCH, created_at: '2026-11-21T13:00:05Z' };
    expect(await batches.find(ours(), fakeCall({ [list]: listed([later]) }))).toEqual({ ours: [], unclear: false });
    const older = { ...BATCH, created_at: '2026-11-20T12:00:05Z' };
    expect(await batches.find(ours(), fakeCall({ [list]: [listed([older], true)] }))).toEqual({ ours: [], unclear: false });
  });

  test('results say what became of each request', async () => {
    const seen = await batches.look('msgbatch_1', fakeCall({ [`GET ${HOST}/v1/messages/batches/msgbatch_1`]: { text: JSON.stringify(ENDED) } }));
    expect(seen).toMatchObject({ outcome: 'expired', results: 3 });
    const call = fakeCall({ [`GET ${HOST}/v1/messages/batches/msgbatch_1/results`]: { text: RESULTS } });
    const [said, failed, expired, cancelled] = await all(batches.results(seen, call));
    expect([said?.customId, failed, expired, cancelled]).toMatchObject([
      'pb_1_1',
      { customId: 'pb_1_2', fault: { fault: 'rejected', words: 'max_tokens: required' } },
      { why: 'expired' },
      { why: 'cancelled' },
    ]);
    const given = { dialect: 'anthropic-messages' as const, body: { messages: [] }, untold: [] };
    const text = said?.type === 'said' ? said.text : '';
    expect(batches.decode('/v1/messages', request, text)).toContainEqual({ type: 'text-delta', text: 'Hi' });
    expect(batches.decode('/v1/messages', { ...request, given }, text)[0]).toEqual({ type: 'frame', event: null, data: text });
  });

  test('it is cancelled by its id', async () => {
    const call = fakeCall({ [`POST ${HOST}/v1/messages/batches/msgbatch_1/cancel`]: { text: JSON.stringify({ ...BATCH, processing_status: 'canceling' }) } });
    await batches.cancel('msgbatch_1', call);
    expect(call.sent).toHaveLength(1);
  });
});
