import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, type Sluice, signIn, startSluice } from './harness.ts';

type Failed = { error: { code: string; field: string | null; details: Record<string, unknown> } };
type Answer = Record<string, unknown> & { model: string; cached: boolean; cost_usd: number; request_id: string; usage: { total_tokens: number } };

const META = ['cached', 'cost_usd', 'model', 'request_id', 'usage'];
const TASKS = [
  ['/summarize', { text: 'The house is old. It stands by the sea. People love it.' }, ['summary']],
  ['/translate', { text: 'Good morning.', target_language: 'German' }, ['translation', 'source_language']],
  ['/analyze', { text: 'What a wonderful day!' }, ['sentiment', 'score', 'confidence', 'emotions', 'explanation']],
  ['/complete', { text: 'Once upon a time' }, ['completion']],
  ['/api/generate-intro', { script: 'Today we build a bird house.', count: 3 }, ['intro', 'intros']],
] as const;

let upstream: FakeUpstream;
let keyless: Sluice;
let keyed: Sluice;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  [keyless, keyed] = await Promise.all([
    startSluice(),
    startSluice({ env: { OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url, UPSTREAM_BACKOFF_BASE_S: '0.01' } }),
  ]);
});
afterAll(async () => {
  await Promise.all([keyless.stop(), keyed.stop()]);
  upstream.stop();
});

describe.each(['demo', 'openai'])('on %s', (which) => {
  const service = (): Sluice => (which === 'demo' ? keyless : keyed);

  test.each(TASKS)('%s 200 has its fields and the meta', async (path, body, fields) => {
    const user = await signIn(service().url);
    const { status, json } = await call<Answer>(`${service().url}${path}`, { json: body, headers: user });
    expect(status).toBe(200);
    expect(Object.keys(json).toSorted()).toEqual([...META, ...fields].toSorted());
    expect(json.usage.total_tokens).toBeGreaterThan(0);
  });

  test('/analyze is always valid', async () => {
    const user = await signIn(service().url);
    for (const text of ['I hate this.', 'It is a table.', 'Great food, awful service.', '🦜']) {
      const { json } = await call<Record<string, unknown>>(`${service().url}/analyze`, { json: { text }, headers: user });
      expect(['positive', 'negative', 'neutral', 'mixed']).toContain(json['sentiment'] as string);
      expect(Math.abs(json['score'] as number)).toBeLessThanOrEqual(1);
      expect(json['confidence'] as number).toBeGreaterThanOrEqual(0);
      expect(json['confidence'] as number).toBeLessThanOrEqual(1);
      expect(Array.isArray(json['emotions'])).toBe(true);
    }
  });

  test.each(TASKS.filter(([path]) => path === '/summarize' || path === '/translate' || path === '/complete'))('%s streams', async (path, body) => {
    const user = await signIn(service().url);
    const { status, text } = await call(`${service().url}${path}?stream=true`, { json: body, headers: user });
    const events = parseEvents(text);
    expect([status, events.at(-1)?.event]).toEqual([200, 'done']);
    expect(events.length).toBeGreaterThan(1);
  });
});

test('the demo says that it is one', async () => {
  const user = await signIn(keyless.url);
  for (const [path, body, [field]] of TASKS.filter(([task]) => task !== '/analyze')) {
    const { json } = await call<Answer>(`${keyless.url}${path}`, { json: body, headers: user });
    expect(String(json[field])).toContain('[demo]');
  }
});

test('401 without a sign-in, for the four tasks that need one; none is needed for an intro', async () => {
  const statuses = await Promise.all(TASKS.map(async ([path, body]) => (await call(`${keyless.url}${path}`, { json: body })).status));
  expect(statuses).toEqual([401, 401, 401, 401, 200]);
});

describe('422 names the field', () => {
  const cases: [string, object, string, string][] = [
    ['/summarize', {}, 'MISSING_REQUIRED_FIELD', 'text'],
    ['/summarize', { text: ' ' }, 'INVALID_VALUE', 'text'],
    ['/summarize', { text: 'a', max_words: 0 }, 'INVALID_VALUE', 'max_words'],
    ['/summarize', { text: 'a', max_words: 1.5 }, 'INVALID_TYPE', 'max_words'],
    ['/summarize', { text: 'a', style: 'poem' }, 'INVALID_VALUE', 'style'],
    ['/translate', { text: 'a' }, 'MISSING_REQUIRED_FIELD', 'target_language'],
    ['/analyze', { text: null }, 'INVALID_TYPE', 'text'],
    ['/complete', { text: 'a', temperature: 3 }, 'INVALID_VALUE', 'temperature'],
    ['/complete', { text: 'a', max_tokens: '5' }, 'INVALID_TYPE', 'max_tokens'],
    ['/api/generate-intro', { script: 'a', count: 6 }, 'INVALID_VALUE', 'count'],
    ['/api/generate-intro', { scrpt: 'a' }, 'MISSING_REQUIRED_FIELD', 'script'],
  ];
  test.each(cases)('%s %j', async (...[path, body, code, field]) => {
    const user = await signIn(keyless.url);
    const { status, json } = await call<Failed>(`${keyless.url}${path}`, { json: body, headers: user });
    expect([status, json.error.code, json.error.field] as unknown[]).toEqual([422, code, field]);
  });
});

describe('OpenAI', () => {
  test('is asked by the Responses API, with a schema where one is needed', async () => {
    const user = await signIn(keyed.url);
    await call(`${keyed.url}/analyze`, { json: { text: 'asked how?' }, headers: user });
    const asked = upstream.calls().at(-1);
    expect(asked?.path).toBe('/v1/responses');
    expect(asked?.body).toMatchObject({ text: { format: { type: 'json_schema' } } });
  });

  test('that answers nonsense is shown its mistake once, and then there is an answer', async () => {
    const user = await signIn(keyed.url);
    upstream.script({ match: { prompt: 'mended the second time' }, times: 1, text: 'no JSON at all' });
    const { status, json } = await call<Answer>(`${keyed.url}/analyze`, { json: { text: 'mended the second time' }, headers: user });
    expect([status, typeof json['sentiment']]).toEqual([200, 'string']);
  });

  test('that answers nonsense twice is 500, and says who', async () => {
    const user = await signIn(keyed.url);
    upstream.script({ match: { prompt: 'never mended' }, text: 'no JSON at all' });
    const { status, json } = await call<Failed>(`${keyed.url}/analyze`, { json: { text: 'never mended' }, headers: user });
    expect([status, json.error.code] as unknown[]).toEqual([500, 'INTERNAL_ERROR']);
    expect(json.error.details['upstream']).toMatchObject({ provider: 'openai' });
  });
});

test('a text far beyond the window of the model comes back whole, in order', async () => {
  const user = await signIn(keyless.url);
  const sentences = Array.from({ length: 20_000 }, (_, nth) => `Sentence number ${nth} stands here.`);
  const { status, json } = await call<Answer>(`${keyless.url}/translate`, { json: { text: sentences.join(' '), target_language: 'French' }, headers: user });
  expect(status).toBe(200);
  const numbers = [...String(json['translation']).matchAll(/number (\d+) stands/g)].map((found) => Number(found[1]));
  expect(numbers).toEqual(sentences.map((_, nth) => nth));
});
