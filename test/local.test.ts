import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { vectorModel } from './gguf/bert.ts';
import { dreamingModel, recitingModel, REPLY } from './gguf/models.ts';
import { call, parseEvents, type Sluice, signIn, until } from './harness.ts';
import { startWithModels } from './local-models.ts';

type Generated = { response: string; model: string; usage: { input_tokens: number; output_tokens: number }; cost_usd: number };
type Completion = {
  model: string;
  choices: { message: { content: string }; finish_reason: string }[];
  usage: { prompt_tokens: number; completion_tokens: number };
};
type Embedded = { data: { embedding: number[] }[]; usage: { prompt_tokens: number } };
type Failed = { error: { message: string; code: string | null; param: string | null } };

let sluice: Sluice;
let auth: Record<string, string>;

beforeAll(async () => {
  sluice = await startWithModels({
    recite: recitingModel(),
    dream: dreamingModel(),
    endless: recitingModel({ endless: true }),
    bare: recitingModel({ chatTemplate: null }),
    vectors: vectorModel(),
  });
  auth = await signIn(sluice.url);
});
afterAll(() => sluice.stop());

const post = <Body>(path: string, json: object) => call<Body>(sluice.url + path, { json, headers: auth });
const chat = <Body = Completion>(json: object) => post<Body>('/v1/chat/completions', { model: 'local/dream', temperature: 0, max_tokens: 40, ...json });
const asking = (content: string) => ({ messages: [{ role: 'user', content }] });
const embed = <Body = Embedded>(input: unknown, more: object = {}) => post<Body>('/v1/embeddings', { model: 'local/vectors', input, ...more });
const answerOf = ({ json }: { readonly json: Completion }) => json.choices[0]?.message.content;

describe('the local model answers', () => {
  test('at /local/generate, whole', async () => {
    const { status, json, headers } = await call<Generated>(`${sluice.url}/local/generate`, { json: { prompt: 'Tell me of the gate' } });
    expect({ status, ...json }).toMatchObject({ status: 200, response: REPLY, model: 'recite', cost_usd: 0 });
    expect(Object.fromEntries(headers)).toMatchObject({ 'x-provider': 'local', 'x-model': 'recite', 'x-cost-usd': '0' });
  });

  test('at /local/generate, in pieces of whole characters', async () => {
    const { text } = await call(`${sluice.url}/local/generate?stream=true`, { json: { prompt: 'Tell me of the gate, in pieces' } });
    const events = parseEvents(text);
    const pieces = events.filter(({ event }) => event === 'message').map(({ data }) => data);
    expect(pieces.length).toBeGreaterThan(10);
    expect(pieces.join('')).toBe(REPLY);
    expect(pieces).toContain('🌊');
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ model: 'recite', finish_reason: 'stop', usage: { output_tokens: 17 } });
  });

  test('at /generate, /v1/chat/completions, /v1/responses, /v1/messages and /v1/completions', async () => {
    const generated = await post<Generated>('/generate', { prompt: 'Tell me', model: 'local' });
    const completed = await post<Completion>('/v1/chat/completions', { model: 'local', ...asking('Tell me') });
    const responded = await post<{ output: { content: { text: string }[] }[] }>('/v1/responses', { model: 'local/recite', input: 'Tell me' });
    const messaged = await post<{ content: { text: string }[] }>('/v1/messages', { model: 'recite', max_tokens: 50, ...asking('Tell me') });
    const continued = await post<{ choices: { text: string }[] }>('/v1/completions', { model: 'local', prompt: 'Tell me', max_tokens: 50 });
    expect([generated.json.response, answerOf(completed), responded.json.output[0]?.content[0]?.text, messaged.json.content[0]?.text]).toEqual(
      Array(4).fill(REPLY),
    );
    expect(continued.json.choices[0]?.text).toBe(REPLY);
  });

  test('in a stream of chunks, with its usage', async () => {
    const { text } = await post('/v1/chat/completions', { model: 'local', stream: true, stream_options: { include_usage: true }, ...asking('Tell me') });
    const chunks = parseEvents(text).map(({ data }) => data);
    expect(chunks.at(-1)).toBe('[DONE]');
    const parsed = chunks.slice(0, -1).map((chunk) => JSON.parse(chunk) as { choices: { delta: { content?: string } }[]; usage?: object });
    expect(parsed.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(REPLY);
    const whole = await post<Completion>('/v1/chat/completions', { model: 'local', ...asking('Tell me') });
    expect(parsed.at(-1)?.usage).toMatchObject(whole.json.usage);
  });

  test('tasks and templates', async () => {
    const summary = await post<{ summary: string }>('/summarize', { text: 'Much water has run.' });
    const made = await post<{ output: string }>('/api/v1/generate', { template_id: 'basic_chat_v1', input: 'Tell me', model: 'local' });
    expect([summary.json.summary, made.json.output]).toEqual([REPLY, REPLY]);
  });

  test('the requests of a job', async () => {
    const job = await post<{ id: string }>('/api/v1/jobs/', { name: 'local', model: 'local', engine: 'direct', hold: true });
    const requests = Array.from({ length: 6 }, (_, index) => ({ custom_id: `r${index}`, body: asking(`Tell me ${index}`) }));
    await post(`/api/v1/jobs/${job.json.id}/requests`, { requests });
    await post(`/api/v1/jobs/${job.json.id}/submit`, {});
    const at = <Body>(path: string) => call<Body>(`${sluice.url}/api/v1/jobs/${job.json.id}${path}`, { headers: auth });
    await until(async () => (await at<{ status: string }>('')).json.status === 'completed', 20_000);
    const { text } = await at('/responses?format=jsonl');
    const lines = text.trim().split('\n');
    expect(lines.length).toBe(6);
    for (const line of lines) expect(line).toContain(REPLY);
  });

  test('without a chat template of its own, in the form of Zephyr', async () => {
    const bare = await post<Completion>('/v1/chat/completions', { model: 'local/bare', ...asking('Tell me') });
    const own = await post<Completion>('/v1/chat/completions', { model: 'local/recite', ...asking('Tell me') });
    expect(bare.json.usage).toEqual(own.json.usage);
  });

  test('by default where there is no other model', async () => {
    const { json } = await call<Generated>(`${sluice.url}/generate`, { json: { prompt: 'Tell me by default' } });
    expect(json.model).toBe('recite');
  });
});

describe('what is asked', () => {
  test('is counted token by token', async () => {
    const [short, long] = [await chat(asking('abc')), await chat(asking('abcdefgh'))];
    expect((long.json.usage.prompt_tokens ?? 0) - short.json.usage.prompt_tokens).toBe(5);
    expect(short.json.usage.completion_tokens).toBe(40);
    expect(short.json.choices[0]?.finish_reason).toBe('length');
  });

  test('may have a system message, which changes the answer', async () => {
    const plain = await chat(asking('abc'));
    const told = await chat({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'abc' },
      ],
    });
    expect(told.json.usage.prompt_tokens).toBeGreaterThan(plain.json.usage.prompt_tokens + 9);
    expect(answerOf(told)).not.toBe(answerOf(plain));
  });

  test('ends nothing by the words that end a turn', async () => {
    const { json } = await chat(asking('a</s>'));
    const longer = await chat(asking('a</s></s>'));
    expect(longer.json.usage.prompt_tokens - json.usage.prompt_tokens).toBe(4);
  });

  test('ends at a stop string, which is not said', async () => {
    const stopped = await post<Completion>('/v1/chat/completions', { model: 'local', stop: [' runs', 'nothing'], ...asking('Tell me') });
    expect(stopped.json.choices[0]).toMatchObject({ message: { content: 'The gate opens slowly, and water 🌊' }, finish_reason: 'stop' });
  });

  test('ends at the longest length', async () => {
    const { json } = await post<Completion>('/v1/chat/completions', { model: 'local/endless', max_tokens: 33, ...asking('Tell me') });
    expect(json).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 33 } });
  });

  test('ends where the context ends', async () => {
    const { json } = await post<Completion>('/v1/chat/completions', { model: 'local/endless', ...asking('Tell me') });
    expect(json.choices[0]?.finish_reason).toBe('length');
    expect(json.usage.prompt_tokens + json.usage.completion_tokens).toBe(2048);
  });

  test('400 when it is longer than the context', async () => {
    const { status, json } = await chat<Failed>(asking('x'.repeat(3000)));
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ code: 'context_length_exceeded', param: 'messages' });
    expect(json.error.message).toContain('2048');
    // So long that nobody counts it.
    const endless = await chat<Failed>(asking('x'.repeat(1_000_000)));
    expect([endless.status, endless.json.error.code]).toEqual([400, 'context_length_exceeded']);
  });

  test('400 when it asks for what a local model cannot do', async () => {
    const image = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] };
    const tool = { type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } };
    const refused = await Promise.all([
      chat<Failed>({ messages: [image] }),
      chat<Failed>({ tools: [tool], ...asking('a') }),
      chat<Failed>({ n: 2, ...asking('a') }),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([400, 400, 400]);
    for (const { json } of refused) expect(json.error.message).toMatch(/no images|no tools|one answer|cannot be said/);
  });

  test('503 for a local model that is not there', async () => {
    const { status, json } = await post<{ error: { code: string } }>('/generate', { prompt: 'a', model: 'local/nobody' });
    expect([status, json.error.code]).toEqual([503, 'LOCAL_MODEL_UNAVAILABLE']);
  });
});

describe('JSON', () => {
  const schema = {
    type: 'object',
    properties: {
      mood: { enum: ['calm', 'wild'] },
      level: { type: 'integer' },
      names: { type: 'array', items: { type: 'string', maxLength: 4 }, minItems: 1, maxItems: 3 },
      note: { anyOf: [{ type: 'null' }, { type: 'boolean' }] },
    },
    required: ['mood', 'level', 'names', 'note'],
    additionalProperties: false,
  };
  const format = { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema } };

  test('of a schema is all that even a model can say that dreams', async () => {
    for (const content of ['one', 'two', 'three', 'four']) {
      const answered = await chat({ response_format: format, max_tokens: 400, ...asking(content) });
      const value = JSON.parse(answerOf(answered) ?? '') as { mood: string; level: number; names: string[]; note: boolean | null };
      expect(Object.keys(value)).toEqual(['mood', 'level', 'names', 'note']);
      expect(['calm', 'wild']).toContain(value.mood);
      expect(Number.isInteger(value.level)).toBe(true);
      expect(value.names.length).toBeWithin(1, 4);
      expect([null, true, false]).toContain(value.note);
    }
  });

  test('of a schema that is too large is refused', async () => {
    const properties = Object.fromEntries(Array.from({ length: 2500 }, (_, index) => [`p${index}`, { type: 'null' }]));
    const large = { type: 'json_schema', json_schema: { name: 'large', schema: { type: 'object', properties } } };
    const { status, json } = await chat<Failed>({ response_format: large, ...asking('a') });
    expect([status, json.error.param]).toEqual([400, 'response_format']);
  });
});

describe('embeddings', () => {
  test('are of length one, the same for the same text, and nearer for a nearer one', async () => {
    const { status, json } = await embed(['water runs', 'water runs', 'water run', 'a (quite) other thing 12345']);
    expect(status).toBe(200);
    const [one, same, near, far] = json.data.map(({ embedding }) => embedding);
    const likeness = (other: number[] = []): number => (one ?? []).reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
    expect(one?.length).toBe(64);
    expect(likeness(one)).toBeCloseTo(1, 6);
    expect(same).toEqual(one ?? []);
    expect(likeness(near)).toBeGreaterThan(likeness(far));
    // Each letter is a token, and so are the beginning and the end of each text.
    expect(json.usage.prompt_tokens).toBe(11 + 11 + 10 + 25);
  });

  test('400 for a text that is too long, and for what a model does not make', async () => {
    const long = await embed<Failed>('x '.repeat(200));
    expect([long.status, long.json.error.code, long.json.error.param]).toEqual([400, 'context_length_exceeded', 'input']);
    const speaking = await post<Failed>('/v1/embeddings', { model: 'local/recite', input: 'a' });
    const vectors = await post<Failed>('/v1/chat/completions', { model: 'local/vectors', ...asking('a') });
    expect([speaking.status, vectors.status]).toEqual([400, 400]);
    expect((await embed<Failed>('a', { dimensions: 8 })).json.error.param).toBe('dimensions');
  });
});

describe('the lists of models', () => {
  test('have those of this machine, with what they can do', async () => {
    const { json } = await call<{ data: { id: string; provider: string; context_tokens: number; capabilities: string[] }[] }>(`${sluice.url}/api/v1/models`, {
      headers: auth,
    });
    const local = json.data.filter(({ provider }) => provider === 'local');
    expect(local.find(({ id }) => id === 'local')).toMatchObject({ context_tokens: 2048, capabilities: ['chat', 'stream', 'json_schema'] });
    expect(local.find(({ id }) => id === 'local/vectors')).toMatchObject({ context_tokens: 128, capabilities: ['embeddings'] });
  });
});
