import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, type ServerEvent, signIn, type Sluice, startSluice, until } from './harness.ts';
import { makeDatabase, type TestDatabase } from './test-database.ts';

/** Streams that are taken up again: on the same process and on another one, while they are made and afterwards, and when a process is killed. */
const PIECES = 199;
const PACE_MS = 5;

let upstream: FakeUpstream;
let first: Sluice;
let second: Sluice;
let headers: Record<string, string>;
let database: TestDatabase;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  database = await makeDatabase();
  first = await startSluice({ env: env() });
  second = await startSluice({ env: env(), dataDir: first.dataDir });
  headers = { ...(await signIn(first.url)), 'content-type': 'application/json' };
}, 60_000);
afterAll(async () => {
  await second.stop();
  await first.stop();
  await database.drop();
  upstream.stop();
});
afterEach(() => upstream.reset());

function env(): Record<string, string> {
  return { OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url, RATE_LIMIT_GENERATE: 'off', ...database.env };
}

type Begun = { readonly id: string; readonly read: ReadableStreamDefaultReader<Uint8Array>; readonly leave: () => void };

/** Begins a stream that can be taken up. */
async function begin(sluice: Sluice, path = '/generate?stream=true', body: object = { prompt: 'Go on' }): Promise<Begun> {
  const leaving = new AbortController();
  const response = await fetch(`${sluice.url}${path}`, {
    method: 'POST',
    headers: { ...headers, 'x-stream-resume': 'true', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
    signal: leaving.signal,
  });
  if (!response.body) throw new Error(`no body: ${response.status}`);
  return { id: response.headers.get('x-stream-id') ?? '', read: response.body.getReader(), leave: () => leaving.abort() };
}

/** Reads until so many events are there, or to the end. */
async function events(reader: ReadableStreamDefaultReader<Uint8Array>, wanted = Number.POSITIVE_INFINITY): Promise<ServerEvent[]> {
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const whole = parseEvents(text.slice(0, text.lastIndexOf('\n\n') + 2));
    if (whole.length >= wanted) return whole.slice(0, wanted);
    const { done, value } = await reader.read();
    if (done) return whole;
    text += decoder.decode(value, { stream: true });
  }
}

async function takeUp(sluice: Sluice, id: string, after: number): Promise<ServerEvent[]> {
  const response = await fetch(`${sluice.url}/api/v1/streams/${id}`, {
    headers: { ...headers, ...(after === 0 ? {} : { 'last-event-id': `${id}:${after}` }) },
  });
  expect(response.status).toBe(200);
  return parseEvents(await response.text());
}

const slowly = { chunks: PIECES, chunkDelayMs: PACE_MS };

/** What is the same for every stream of one answer. */
function texts(each: readonly ServerEvent[]): readonly string[][] {
  return each.map(({ event, data }) => [event, event === 'done' ? '' : data]);
}

describe('a stream that is begun with X-Stream-Resume', () => {
  test('goes on when its caller leaves, and is taken up at every event, on every process', async () => {
    upstream.script(slowly);
    const { id, read, leave } = await begin(first);
    expect(id).toMatch(/^str_/);
    const seen = await events(read, 5);
    leave();
    const rest = await takeUp(second, id, 5);
    const all = [...seen, ...rest];
    expect(all.map((event) => event.id)).toEqual(Array.from({ length: PIECES + 1 }, (_, index) => `${id}:${index + 1}`));
    expect(all.slice(0, -1).every(({ event }) => event === 'message')).toBe(true);
    expect(all.at(-1)?.event).toBe('done');
    expect(upstream.calls()).toHaveLength(1);
    for (let after = 0; after <= all.length; after++) {
      const again = await takeUp(after % 2 === 0 ? first : second, id, after);
      expect(again).toEqual(all.slice(after));
    }
  }, 60_000);

  test('is the same stream without the header, but for the ids', async () => {
    upstream.script({ chunks: 5 });
    const plain = await call(`${first.url}/generate?stream=true`, { json: { prompt: 'Go on' }, headers: { ...headers, 'cache-control': 'no-store' } });
    const { read } = await begin(first);
    expect(texts(await events(read))).toEqual(texts(parseEvents(plain.text)));
    expect(plain.headers.get('x-stream-id')).toBeNull();
  });

  test('may be one of chat completions, and ends as those do', async () => {
    upstream.script(slowly);
    const { id, read, leave } = await begin(first, '/v1/chat/completions', { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'x' }], stream: true });
    const seen = await events(read, 10);
    leave();
    const all = [...seen, ...(await takeUp(second, id, 10))];
    expect(all.at(-1)?.data).toBe('[DONE]');
    const said = all.slice(0, -1).map(({ data }) => (JSON.parse(data) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '');
    expect(said.filter((piece) => piece !== '')).toHaveLength(PIECES);
  });

  test('is charged once, in full', async () => {
    upstream.script({ ...slowly, usage: { input: 10, output: 60 } });
    const { id, read, leave } = await begin(first);
    await events(read, 3);
    leave();
    const done = (await takeUp(first, id, 3)).at(-1);
    expect(JSON.parse(done?.data ?? '{}')).toMatchObject({ usage: { input_tokens: 10, output_tokens: 60 }, finish_reason: 'stop' });
  });
});

describe('a stream of somebody else', () => {
  test('is not there: for another key, for nobody, and under another id', async () => {
    upstream.script({ chunks: 3 });
    const { id, read } = await begin(first);
    await events(read);
    const other = await call<{ key: string }>(`${first.url}/api/v1/keys`, { json: { name: 'other' }, headers });
    const asked = (as: Record<string, string>, name = id, method = 'GET') => fetch(`${second.url}/api/v1/streams/${name}`, { method, headers: as });
    for (const method of ['GET', 'DELETE']) {
      expect((await asked({ authorization: `Bearer ${other.json.key}` }, id, method)).status).toBe(404);
      expect((await asked({}, id, method)).status).toBe(404);
      expect((await asked(headers, 'str_nothing', method)).status).toBe(404);
    }
    const wrong = await call<{ error: { code: string; field: string } }>(`${first.url}/api/v1/streams/${id}`, {
      headers: { ...headers, 'last-event-id': 'str_other:3' },
    });
    expect([wrong.status, wrong.json.error.code, wrong.json.error.field]).toEqual([422, 'INVALID_VALUE', 'Last-Event-ID']);
  });
});

describe('a stream that is cancelled', () => {
  test.each(['here', 'on another process'])('%s ends, its provider is left, and its readers hear of it', async (where) => {
    upstream.script({ chunks: 1000, chunkDelayMs: 50 });
    const { id, read } = await begin(first);
    await events(read, 2);
    const cancelled = await fetch(`${(where === 'here' ? first : second).url}/api/v1/streams/${id}`, { method: 'DELETE', headers });
    expect(cancelled.status).toBe(204);
    const last = (await events(read)).at(-1);
    expect([last?.event, JSON.parse(last?.data ?? '{}')]).toMatchObject(['error', { error: { code: 'CONFLICT' } }]);
    await until(() => upstream.calls().at(-1)?.closedByClientAt !== null, 2000);
    expect((await takeUp(second, id, 2)).at(-1)?.event).toBe('error');
  });
});

describe('when a process is killed', () => {
  test('that only read the stream, the stream goes on', async () => {
    upstream.script({ chunks: 100, chunkDelayMs: 30 });
    const reader = await startSluice({ env: env(), dataDir: first.dataDir });
    const { id, read, leave } = await begin(first);
    const seen = await events(read, 3);
    leave();
    const response = await fetch(`${reader.url}/api/v1/streams/${id}`, { headers: { ...headers, 'last-event-id': `${id}:3` } });
    if (!response.body) throw new Error('no body');
    const more = await events(response.body.getReader(), 20);
    await reader.end('SIGKILL');
    const all = [...seen, ...more, ...(await takeUp(second, id, 23))];
    expect(all.map((event) => event.id)).toEqual(Array.from({ length: 101 }, (_, index) => `${id}:${index + 1}`));
  }, 60_000);

  test('that made the stream, its readers get what was written and then an error, within five seconds', async () => {
    upstream.script({ chunks: 1000, chunkDelayMs: 20 });
    const maker = await startSluice({ env: env(), dataDir: first.dataDir });
    const { id, read } = await begin(maker);
    const seen = await events(read, 30);
    const response = await fetch(`${second.url}/api/v1/streams/${id}`, { headers });
    if (!response.body) throw new Error('no body');
    const reader = response.body.getReader();
    const before = await events(reader, 10);
    const killedAt = performance.now();
    await maker.end('SIGKILL');
    const after = await events(reader);
    expect(performance.now() - killedAt).toBeLessThan(5500);
    expect(after.at(-1)?.event).toBe('error');
    // What was seen of the one that made it was there for the other one too, but for what came in the last moments.
    expect([...before, ...after].length).toBeGreaterThan(seen.length - 30);
  }, 60_000);
});
