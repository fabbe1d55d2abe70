import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { type FakeUpstream, startFakeUpstream } from './server.ts';

/** What goes wrong on purpose goes wrong exactly so, and what the caller does is seen. */
let fake: FakeUpstream;

beforeAll(async () => {
  fake = await startFakeUpstream();
});
afterEach(() => fake.reset());
afterAll(() => fake.stop());

const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Tell me' }] };
const ask = (more: object = {}, init: RequestInit = {}) =>
  fetch(`${fake.url}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ ...body, ...more }),
    headers: { 'content-type': 'application/json' },
    ...init,
  });
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (thrown: unknown) => thrown,
  );

const content = (text: string): string[] => [...text.matchAll(/"content":"([^"]*)"/g)].map((found) => found[1] ?? '');
const say = async (more: object = {}): Promise<string> => /"content":"([^"]*)"/.exec(await (await ask(more)).text())?.[1] ?? '';
const send = (path: string, sent: object, init: RequestInit = {}) => fetch(`${fake.url}${path}`, { method: 'POST', body: JSON.stringify(sent), ...init });
const events = (text: string): string[] => text.split('\n\n').filter((event) => event !== '');
const readAll = async (response: Response): Promise<{ text: string; error: unknown }> => {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
  } catch (error) {
    return { text, error };
  }
  return { text, error: null };
};

describe('a stream', () => {
  test.each([
    ['close', true],
    ['reset', true],
    ['clean', false],
  ] as const)('cut after two pieces by %s', async (cutHow, breaks) => {
    fake.script({ chunks: 5, cutAfter: 2, cutHow, chunkDelayMs: 1 });
    const { text, error } = await readAll(await ask({ stream: true }));
    expect(events(text).map((event) => /"content":"(word\d) "/.exec(event)?.[1])).toEqual([undefined, 'word0', 'word1']);
    expect(error !== null).toBe(breaks);
    expect(fake.calls()[0]).toMatchObject({ pieces: 2, closedByClientAt: null });
  });

  test('cut after its finish reason has no [DONE]', async () => {
    fake.script({ chunks: 2, cutAfter: 2, cutWithFinish: true, cutHow: 'clean' });
    const { text } = await readAll(await ask({ stream: true }));
    expect(text).toContain('"finish_reason":"stop"');
    expect(text).not.toContain('[DONE]');
  });

  test('garbled after one piece goes on with the rest', async () => {
    fake.script({ chunks: 3, garble: { kind: 'bad-json', at: 1 } });
    const list = events((await readAll(await ask({ stream: true }))).text);
    expect(list[2]).toBe('data: {"broken": ');
    expect(list.at(-1)).toBe('data: [DONE]');
    expect(list).toHaveLength(6);
  });

  test('an error event in the middle is the last one', async () => {
    fake.script({ chunks: 3, garble: { kind: 'error-object', at: 2 } });
    const list = events((await readAll(await ask({ stream: true }))).text);
    expect(list).toHaveLength(4);
    expect(list[3]).toContain('"server_error"');
  });

  test('a chunk size that is none breaks the transfer', async () => {
    fake.script({ chunks: 3, garble: { kind: 'bad-chunk-size', at: 1 } });
    expect((await readAll(await ask({ stream: true }))).error).not.toBeNull();
  });

  test('events in single bytes are the same events', async () => {
    fake.script([
      { match: { nth: 1 }, text: 'Grüße 👋', chunks: 2, writeBytes: 1 },
      { text: 'Grüße 👋', chunks: 2 },
    ]);
    const [slow, fast] = [await readAll(await ask({ stream: true })), await readAll(await ask({ stream: true }))];
    expect(content(slow.text)).toEqual(content(fast.text));
    expect(slow.error).toBeNull();
  });

  test('extra fields, a missing usage and a missing [DONE] leave the rest as it is', async () => {
    fake.script([
      { match: { nth: 1 }, garble: { kind: 'extra-fields' } },
      { match: { nth: 2 }, garble: { kind: 'no-done' } },
      { match: { nth: 3 }, garble: { kind: 'no-usage' } },
    ]);
    const texts: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) texts.push((await readAll(await ask({ stream: true, stream_options: { include_usage: true } }))).text);
    expect(texts[0]).toContain('x_fake_unknown');
    expect(texts[1]).not.toContain('[DONE]');
    expect(texts[2]).not.toContain('"usage"');
    expect(texts[2]).toContain('[DONE]');
  });

  test('a caller that leaves is seen at once, and the rest is not sent', async () => {
    fake.script({ chunks: 1000, chunkDelayMs: 5 });
    const controller = new AbortController();
    const reader = (await ask({ stream: true }, { signal: controller.signal })).body?.getReader();
    await reader?.read();
    const leftAt = performance.now();
    controller.abort();
    await fake.until((calls) => typeof calls[0]?.closedByClientAt === 'number');
    expect(fake.calls()[0]?.closedByClientAt ?? 0).toBeLessThan(leftAt + 500);
    expect(fake.calls()[0]?.pieces).toBeLessThan(200);
    expect(fake.counts()).toMatchObject({ active: 0, activePeak: 1 });
  });
});

describe('a whole answer', () => {
  test.each(['before-head', 'mid-head', 'after-head'] as const)('cut %s is a failed request', async (cut) => {
    fake.script({ cut });
    expect(await failure(ask().then((response) => response.text()))).toBeInstanceOf(Error);
  });

  test('with a longer length than announced is a failed read', async () => {
    fake.script({ garble: { kind: 'content-length' } });
    expect(await failure(ask().then((response) => response.text()))).toBeInstanceOf(Error);
  });

  test('with half of its gzip is a failed read', async () => {
    fake.script({ garble: { kind: 'gzip-cut' } });
    expect(await failure(ask().then((response) => response.json()))).toBeInstanceOf(Error);
  });

  test('can be a page of HTML, half a JSON, or an error under status 200', async () => {
    fake.script([
      { match: { nth: 1 }, garble: { kind: 'html' } },
      { match: { nth: 2 }, garble: { kind: 'bad-json' } },
      { match: { nth: 3 }, garble: { kind: 'error-object' } },
    ]);
    const [page, half, error] = [await ask(), await ask(), await ask()];
    expect([page.status, half.status, error.status]).toEqual([200, 200, 200]);
    expect(page.headers.get('content-type')).toBe('text/html');
    expect(await failure(half.json())).toBeInstanceOf(SyntaxError);
    expect(await error.json()).toMatchObject({ error: { type: 'server_error' } });
  });

  test('that never comes keeps the call active until the caller gives up', async () => {
    fake.script({ stall: true });
    const controller = new AbortController();
    const waiting = failure(ask({}, { signal: controller.signal }));
    await fake.until((calls) => calls.length === 1);
    expect(fake.counts().active).toBe(1);
    controller.abort();
    await waiting;
    await fake.until((calls) => typeof calls[0]?.closedByClientAt === 'number');
    expect(fake.counts().active).toBe(0);
  });

  test('comes as late as the rule says', async () => {
    fake.script({ delayMs: 60 });
    await (await ask()).text();
    const call = fake.calls()[0];
    expect((call?.headAt ?? 0) - (call?.startedAt ?? 0)).toBeGreaterThanOrEqual(59);
  });
});

test('rules match by path, model, prompt and turn, and are spent after their times', async () => {
  fake.script([
    { match: { model: 'gpt-4o' }, text: 'by model' },
    { match: { prompt: 'say "hi"\n' }, text: 'by prompt' },
    { match: { path: '/v1/chat/*', nth: 2 }, text: 'the second' },
    { times: 1, text: 'once' },
  ]);
  expect(await say({ model: 'gpt-4o' })).toBe('by model');
  expect(await say({ messages: [{ role: 'user', content: 'say "hi"\n' }] })).toBe('by prompt');
  fake.script([
    { match: { nth: 2 }, text: 'the second' },
    { times: 1, text: 'once' },
  ]);
  expect([await say(), await say(), await say()]).toEqual(['once', 'the second', expect.stringContaining('The fake upstream heard')]);
  expect(fake.calls().map((call) => call.rule)).toEqual([0, 1, 1, 0, null]);
});

test('a key that is not the right one gets 401, in the words of either vendor', async () => {
  const strict = await startFakeUpstream({ apiKey: 'right' });
  const openai = await fetch(`${strict.url}/models`, { headers: { authorization: 'Bearer wrong' } });
  const anthropic = await fetch(`${strict.url}/messages`, { method: 'POST', headers: { 'x-api-key': 'wrong' }, body: '{}' });
  expect([openai.status, anthropic.status]).toEqual([401, 401]);
  expect(await openai.json()).toMatchObject({ error: { code: 'invalid_api_key' } });
  expect(await anthropic.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
  strict.stop();
});

describe('Anthropic', () => {
  const message = { model: 'claude-haiku-4-5', max_tokens: 100, messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }] };

  test('messages answers whole and in events of the vendor’s order', async () => {
    expect(await (await send('/messages', message)).json()).toMatchObject({
      type: 'message',
      role: 'assistant',
      stop_reason: 'end_turn',
      content: [{ type: 'text', text: expect.stringContaining('Hello') }],
    });
    const text = await (await send('/messages', { ...message, stream: true })).text();
    const names = [...text.matchAll(/^event: (.*)$/gm)].map((found) => found[1]);
    expect([...new Set(names)]).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
  });

  test('a stop sequence, max_tokens and a forced tool end it in their words', async () => {
    const tool = { name: 'add', input_schema: { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] } };
    expect(await (await send('/messages', { ...message, stop_sequences: ['heard'] })).json()).toMatchObject({
      stop_reason: 'stop_sequence',
      stop_sequence: 'heard',
    });
    expect(await (await send('/messages', { ...message, max_tokens: 1 })).json()).toMatchObject({ stop_reason: 'max_tokens' });
    const called = await send('/messages', { ...message, tools: [tool], tool_choice: { type: 'tool', name: 'add' } });
    expect(await called.json()).toMatchObject({ stop_reason: 'tool_use', content: [{ type: 'tool_use', name: 'add', input: { a: expect.any(Number) } }] });
    expect(await (await send('/messages/count_tokens', message)).json()).toEqual({ input_tokens: 5 });
  });

  test('a batch ends after its looks, with a result for each request', async () => {
    fake.setBatches({ looks: 2, outcome: 'completed' });
    fake.script({ match: { prompt: 'bad' }, status: 400 });
    const requests = [
      { custom_id: 'one', params: message },
      { custom_id: 'two', params: { ...message, messages: [{ role: 'user', content: 'bad' }] } },
    ];
    fake.script([]);
    const created = (await (await send('/messages/batches', { requests })).json()) as { id: string };
    fake.script({ match: { path: '/v1/messages', prompt: 'bad' }, status: 400 });
    const look = () => fetch(`${fake.url}/messages/batches/${created.id}`);
    expect(await (await look()).json()).toMatchObject({ processing_status: 'in_progress', results_url: null });
    const ended = (await (await look()).json()) as { results_url: string };
    expect(ended).toMatchObject({ processing_status: 'ended', request_counts: { succeeded: 1, errored: 1 } });
    const lines = (await (await fetch(ended.results_url)).text())
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines).toMatchObject([
      // No order is promised.
      { custom_id: 'two', result: { type: 'errored', error: { type: 'error' } } },
      { custom_id: 'one', result: { type: 'succeeded', message: { type: 'message' } } },
    ]);
  });
});

test('another process can steer it over HTTP', async () => {
  const post = (path: string, sent: unknown) => fetch(`${fake.origin}/__fake/${path}`, { method: 'POST', body: JSON.stringify(sent) });
  expect((await post('script', { text: 'from afar' })).status).toBe(200);
  expect(await (await ask()).text()).toContain('from afar');
  const state = await (await fetch(`${fake.origin}/__fake/state`)).json();
  expect(state).toMatchObject({ counts: { calls: 1, active: 0 }, calls: [{ path: '/v1/chat/completions', body: { model: 'gpt-4o-mini' } }] });
  expect((await post('script', 'nonsense')).status).toBe(404);
});

test('an upload of 64 MB arrives whole', async () => {
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new Blob([new Uint8Array(64 * 1024 * 1024).fill(97)]), 'big.jsonl');
  const response = await fetch(`${fake.url}/files`, { method: 'POST', body: form });
  expect(await response.json()).toMatchObject({ bytes: 64 * 1024 * 1024 });
});
