import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, signIn, type Sluice, startSluice, until } from './harness.ts';
import { makeDatabase } from './test-database.ts';

/** Responses that go on by themselves, on a provider that speaks the same dialect (`gpt-4o-mini`) and on one that does not (`demo`). */
let upstream: FakeUpstream;
let sluice: Sluice;
let client: OpenAI;
/** Of another project. */
let stranger: OpenAI;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  sluice = await startSluice({ env: { OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url } });
  const headers = await signIn(sluice.url);
  const keyIn = async (parts: object): Promise<OpenAI> => {
    const { json } = await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'background', ...parts }, headers });
    return new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: json.key, maxRetries: 0 });
  };
  client = await keyIn({});
  const { json: project } = await call<{ id: string }>(`${sluice.url}/api/v1/projects`, { json: { name: 'Other' }, headers });
  stranger = await keyIn({ project_id: project.id });
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});
afterEach(() => upstream.reset());

const MODELS = ['gpt-4o-mini', 'demo'];
type Event = OpenAI.Responses.ResponseStreamEvent;

async function failureOf(asked: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const failure: unknown = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (failure instanceof OpenAI.APIError) return failure;
  throw new Error(`not an APIError: ${String(failure)}`);
}

async function read(stream: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

async function whenOver(id: string): Promise<OpenAI.Responses.Response> {
  await until(async () => !['queued', 'in_progress'].includes((await client.responses.retrieve(id)).status ?? ''));
  return client.responses.retrieve(id);
}

describe('in the background', () => {
  test.each(MODELS)('%s answers at once and goes on', async (model) => {
    const begun = await client.responses.create({ model, input: 'Count to three', background: true });
    expect(begun).toMatchObject({ status: 'queued', background: true, output: [] });
    const over = await whenOver(begun.id);
    expect(over).toMatchObject({ id: begun.id, status: 'completed', background: true, created_at: begun.created_at });
    expect(over.output_text).not.toBe('');
    const next = await client.responses.create({ model, input: 'Go on', previous_response_id: begun.id });
    expect(next.status).toBe('completed');
    expect((await client.responses.cancel(begun.id)).status).toBe('completed');
  });

  test('what fails is found failed', async () => {
    upstream.script({ status: 400 });
    const { id } = await client.responses.create({ model: 'gpt-4o-mini', input: 'Hi', background: true });
    expect(await whenOver(id)).toMatchObject({ status: 'failed', error: { code: 'invalid_prompt' } });
  });

  test.each(MODELS)('a stream of %s can be taken up behind any event', async (model) => {
    const asked = await client.responses.create({ model, input: 'Count to four', background: true, stream: true });
    const first: Event[] = [];
    for await (const event of asked) {
      first.push(event);
      if (first.length === 4) break;
    }
    const [begun] = first;
    if (begun?.type !== 'response.created') throw new Error('it did not begin');
    const { id } = begun.response;
    expect(id).not.toMatch(/fake/);
    const rest = await read(await client.responses.retrieve(id, { stream: true, starting_after: 3 }));
    const all = [...first, ...rest];
    expect(all.map((event) => event.sequence_number)).toEqual(all.map((_, index) => index));
    expect(all.filter(({ type }) => type === 'response.completed')).toHaveLength(1);
    const stored = await client.responses.retrieve(id);
    expect(all.at(-1)).toMatchObject({ response: { id, output: stored.output } });
    for (const after of [0, 2, all.length - 2]) {
      expect(await read(await client.responses.retrieve(id, { stream: true, starting_after: after }))).toEqual(all.slice(after + 1));
    }
    expect((await failureOf(stranger.responses.retrieve(id))).status).toBe(404);
    expect((await failureOf(stranger.responses.cancel(id))).status).toBe(404);
  });

  test('what is cancelled ends upstream within a second and is found cancelled', async () => {
    upstream.script({ chunks: 100, chunkDelayMs: 50 });
    const { id } = await client.responses.create({ model: 'gpt-4o-mini', input: 'Slowly', background: true });
    await until(() => (upstream.calls()[0]?.pieces ?? 0) > 2);
    expect((await client.responses.cancel(id)).status).toBe('cancelled');
    await until(() => upstream.calls()[0]?.closedByClientAt !== null, 1000);
    expect((await whenOver(id)).status).toBe('cancelled');
  });

  test('a response that is in the foreground can be neither cancelled nor streamed again', async () => {
    const { id } = await client.responses.create({ model: 'demo', input: 'Hi' });
    expect((await failureOf(client.responses.cancel(id))).status).toBe(400);
    expect(await failureOf(client.responses.retrieve(id, { stream: true }))).toMatchObject({ status: 400, param: 'stream' });
  });
});

test('a response in the background is followed on another process, and a stream of one whose process was killed ends in an error', async () => {
  const database = await makeDatabase();
  const env = { ...database.env, OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url };
  const first = await startSluice({ env });
  const second = await startSluice({ env, dataDir: first.dataDir });
  const authorization = { headers: await signIn(first.url) };
  const follow = (id: string) => call(`${second.url}/v1/responses/${id}?stream=true&starting_after=1`, authorization);
  const begin = async () =>
    call<{ id: string }>(`${first.url}/v1/responses`, { json: { model: 'gpt-4o-mini', input: 'Hi', background: true }, ...authorization });

  upstream.script({ chunks: 10, chunkDelayMs: 30 });
  const told = parseEvents((await follow((await begin()).json.id)).text).map(({ data }) => JSON.parse(data) as Event);
  expect(told.map((event) => event.sequence_number)).toEqual(told.map((_, index) => index + 2));
  expect(told.at(-1)?.type).toBe('response.completed');

  upstream.script({ chunks: 200, chunkDelayMs: 100 });
  const following = follow((await begin()).json.id);
  await until(() => (upstream.calls().at(-1)?.pieces ?? 0) > 3);
  await first.end('SIGKILL');
  const cut = (await following).text;
  expect(cut).toContain('"error"');
  expect(cut).not.toContain('response.completed');
  await second.end();
  await first.stop();
  await database.drop();
}, 30_000);
