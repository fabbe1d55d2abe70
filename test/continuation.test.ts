import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import Anthropic from '@anthropic-ai/sdk';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import type { RequestReply } from '../src/contract/requests.ts';
import type { Rule } from './fake-upstream/rule.ts';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { type Answered, call, parseEvents, signIn, type Sluice, startSluice, until } from './harness.ts';

/** Streams that break off after their first piece, where the alias says that another is to go on with them. */
const PIECES = ['A gate ', 'that is ', 'raised ', 'lets water ', 'through.'];
const WHOLE = PIECES.join('');
const SAID = PIECES.slice(0, 2).join('');
const CUT: Rule = { chunks: PIECES, cutAfter: 2, usage: { input: 100, output: 30 } };
const REST: Rule = { chunks: PIECES.slice(2), usage: { input: 140, output: 20 } };

let a: FakeUpstream;
let b: FakeUpstream;
let sluice: Sluice;
let folder: string;
let admin: Record<string, string>;
let key: string;

function server(upstream: FakeUpstream): object {
  return { base_url: upstream.url, models: ['m'], api_key: 'sk-upstream-000000000000' };
}

/** Each call goes to a model of its own, so that no breaker opens among them. */
const ALIASES = 40;
let aliases = 0;
function alias(kind: 'on' | 'claude' | 'alone' | 'off'): string {
  return `${kind}-${aliases++}`;
}

function configText(): string {
  const fallbacks = ['b/m'];
  const models = Array.from({ length: ALIASES }, (_, index) => ({
    [`on-${index}`]: { targets: [`a/m${index}`], fallbacks, on_cut: 'continue' },
    [`claude-${index}`]: { targets: [`claude/m${index}`], fallbacks, on_cut: 'continue' },
    [`alone-${index}`]: { targets: [`a/m${index}`], on_cut: 'continue' },
    [`off-${index}`]: { targets: [`a/m${index}`], fallbacks },
  }));
  return JSON.stringify({
    providers: { a: server(a), b: server(b), claude: { kind: 'anthropic', base_url: a.origin, models: ['m'] } },
    models: Object.assign({}, ...models) as object,
    prices: { 'a/*': { input: 1000, output: 2000 }, 'claude/*': { input: 1000, output: 2000 }, 'b/*': { input: 1000, output: 3000 } },
  });
}

beforeAll(async () => {
  [a, b] = [await startFakeUpstream(), await startFakeUpstream()];
  folder = mkdtempSync(join(tmpdir(), 'sluice-continuation-'));
  const file = join(folder, 'sluice.config.yaml');
  writeFileSync(file, configText());
  sluice = await startSluice({ env: { SLUICE_CONFIG: file, UPSTREAM_MAX_RETRIES: '0', UPSTREAM_READ_TIMEOUT_S: '0.5' } });
  admin = await signIn(sluice.url);
  key = await newKey({});
}, 60_000);
afterEach(() => {
  for (const upstream of [a, b]) upstream.reset();
});
afterAll(async () => {
  await sluice.stop();
  for (const upstream of [a, b]) upstream.stop();
  rmSync(folder, { recursive: true });
});

async function newKey(more: object): Promise<string> {
  return (await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'continued', ...more }, headers: admin })).json.key;
}

let prompts = 0;
type Asking = { readonly path?: string; readonly headers?: Record<string, string> } & Readonly<Record<string, unknown>>;
function ask(kind: Parameters<typeof alias>[0], { path = '/generate?stream=true', headers = {}, ...fields }: Asking = {}): Promise<Answered<unknown>> {
  const model = alias(kind);
  const prompt = `prompt ${++prompts}`;
  const body = path.startsWith('/generate') ? { prompt } : { stream: true, messages: [{ role: 'user', content: prompt }] };
  return call(`${sluice.url}${path}`, { json: { ...body, model, ...fields }, headers: { 'x-api-key': key, 'cache-control': 'no-store', ...headers } });
}

/** The text of a native stream, and the event it ends with. */
function heard({ text }: Answered<unknown>): readonly [string, string | undefined] {
  const events = parseEvents(text);
  const said = events.filter(({ event }) => event === 'message').map(({ data }) => data);
  return [said.join(''), events.at(-1)?.event];
}

/** The calls of a request, as soon as the ledger has so many. */
async function rowsOf({ headers }: Answered<unknown>, count: number): Promise<RequestReply['calls']> {
  const id = headers.get('x-request-id') ?? '';
  let calls: RequestReply['calls'] = [];
  await until(async () => {
    const { status, json } = await call<RequestReply>(`${sluice.url}/api/v1/requests/${id}`, { headers: admin });
    if (status === 200) ({ calls } = json);
    return calls.length >= count;
  });
  return calls;
}

function bodyOf(upstream: FakeUpstream): Readonly<Record<string, unknown>> {
  return upstream.calls().at(-1)?.body as Record<string, unknown>;
}

describe('a stream that breaks off', () => {
  test.each([
    ['breaks', { cutHow: 'close' }],
    ['stops in good order', { cutHow: 'clean' }],
    ['is silent', { cutAfter: 99, stallAfter: 2 }],
    ['errs', { cutAfter: 99, garble: { kind: 'error-object', at: 2 } }],
    ['is garbage', { cutAfter: 99, garble: { kind: 'bad-json', at: 2 } }],
  ] as const)('as it %s is gone on with by the next, who is told what was said, and the caller hears who', async (_, how) => {
    a.script({ ...CUT, ...how });
    b.script(REST);
    const answer = await ask('on', { max_tokens: 200 });
    expect(heard(answer)).toEqual([WHOLE, 'done']);
    expect(answer.text).toMatch(/that is \n\n: continued by b\/m\n\nid: \S+\ndata: raised /);
    const { messages, max_tokens: most } = bodyOf(b) as { readonly messages: readonly { role: string; content: string }[]; readonly max_tokens?: number };
    expect(messages.map(({ role, content }) => [role, content.slice(0, 14)])).toEqual([
      ['user', `prompt ${prompts}`],
      ['assistant', SAID.slice(0, 14)],
      ['user', 'The connection'],
    ]);
    expect(messages[1]?.content).toBe(SAID);
    expect(most ?? bodyOf(b)['max_completion_tokens']).toBeLessThan(200);
  });

  test('costs what its parts cost: each stands in the ledger by itself, and the answer says the sum', async () => {
    a.script(CUT);
    b.script(REST);
    const answer = await ask('on');
    const [first, second, ...others] = await rowsOf(answer, 2);
    expect(others).toEqual([]);
    expect([first, second].map((row) => [row?.provider, row?.outcome])).toEqual([
      ['a', 'cut'],
      ['b', 'ok'],
    ]);
    expect(second).toMatchObject({ usage: { input_tokens: 140, output_tokens: 20 }, cost_usd: (140 * 1000 + 20 * 3000) / 1e6 });
    const done = JSON.parse(parseEvents(answer.text).at(-1)?.data ?? '') as { cost_usd: number; usage: { input_tokens: number; output_tokens: number } };
    expect(done.cost_usd).toBeCloseTo((first?.cost_usd ?? 0) + (second?.cost_usd ?? 0), 9);
    expect(first?.cost_usd).toBeGreaterThan(0);
    expect(done.usage.input_tokens).toBe((first?.usage.input_tokens ?? 0) + 140);
    expect(done.usage.output_tokens).toBe((first?.usage.output_tokens ?? 0) + 20);
  });

  test('is gone on with by the same one where there is no other', async () => {
    a.script([{ match: { prompt: 'The connection broke' }, ...REST }, CUT]);
    const answer = await ask('alone');
    expect(heard(answer)).toEqual([WHOLE, 'done']);
    expect(answer.text).toContain(`: continued by a/m${aliases - 1}\n`);
    expect((await rowsOf(answer, 2)).map(({ provider, outcome }) => `${provider} ${outcome}`)).toEqual(['a cut', 'a ok']);
  });

  test('has no words twice where the other one begins anew', async () => {
    a.script(CUT);
    b.script({ chunks: PIECES });
    expect(heard(await ask('on'))).toEqual([WHOLE, 'done']);
  });

  test('can be taken up as every other that is kept', async () => {
    a.script(CUT);
    b.script(REST);
    const answer = await ask('on', { headers: { 'x-stream-resume': 'true' } });
    expect(heard(answer)).toEqual([WHOLE, 'done']);
    const again = await call(`${sluice.url}/api/v1/streams/${answer.headers.get('x-stream-id')}`, { headers: { 'x-api-key': key } });
    expect(heard(again)).toEqual([WHOLE, 'done']);
    expect(again.text).toContain(': continued by b/m\n');
  });
});

function openai(): OpenAI {
  return new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: key, maxRetries: 0 });
}
function anthropic(): Anthropic {
  return new Anthropic({ baseURL: sluice.url, apiKey: key, maxRetries: 0 });
}

describe('the clients of others', () => {
  const messages = [{ role: 'user' as const, content: 'Tell me' }];
  const cases: readonly (readonly ['on' | 'claude', string])[] = [
    ['on', 'of one dialect'],
    ['claude', 'of two dialects'],
  ];

  test.each(cases)('hear one answer in chat completions (%s: providers %s)', async (kind) => {
    const model = alias(kind);
    a.script(CUT);
    b.script(REST);
    const ids = new Set<string>();
    const [roles, reasons]: [string[], string[]] = [[], []];
    let text = '';
    let used: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of await openai().chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } })) {
      ids.add(chunk.id);
      const [choice] = chunk.choices;
      text += choice?.delta.content ?? '';
      if (choice?.delta.role) roles.push(choice.delta.role);
      if (choice?.finish_reason) reasons.push(choice.finish_reason);
      used = chunk.usage ?? used;
    }
    expect([text, ids.size, roles, reasons]).toEqual([WHOLE, 1, ['assistant'], ['stop']]);
    expect(used?.completion_tokens).toBeGreaterThan(20);
    expect(used?.prompt_tokens).toBeGreaterThan(140);
  });

  test.each(cases)('hear one answer in messages (%s: providers %s)', async (kind) => {
    const model = alias(kind);
    a.script(CUT);
    b.script(REST);
    const message = await anthropic().messages.stream({ model, messages, max_tokens: 300 }).finalMessage();
    expect(message.content.map((block) => (block.type === 'text' ? block.text : block.type))).toEqual([WHOLE]);
    expect(message.stop_reason).toBe('end_turn');
    expect(message.usage.output_tokens).toBeGreaterThan(20);
  });

  test.each(cases)('hear one answer in responses (%s: providers %s)', async (kind) => {
    const model = alias(kind);
    a.script(CUT);
    b.script(REST);
    const stream = openai().responses.stream({ model, input: 'Tell me' });
    const numbers: number[] = [];
    stream.on('event', (event) => numbers.push(event.sequence_number));
    const response = await stream.finalResponse();
    expect([response.status, response.output_text, response.output.length]).toEqual(['completed', WHOLE, 1]);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  test('find the announcement in the stream itself', async () => {
    a.script(CUT);
    b.script(REST);
    for (const path of ['/v1/chat/completions', '/v1/messages']) {
      const { text } = await ask('on', { path, max_tokens: 300 });
      expect(text.split('\n').filter((line) => line.startsWith(': continued'))).toEqual([': continued by b/m']);
    }
  });
});

test('equal calls at the same time hear the same answer, which is not kept', async () => {
  a.script([{ ...CUT, chunkDelayMs: 30 }]);
  b.script(REST);
  const [model, prompt] = [alias('on'), 'equal calls'];
  const one = (): Promise<Answered<unknown>> => call(`${sluice.url}/generate?stream=true`, { json: { prompt, model }, headers: { 'x-api-key': key } });
  const answers = await Promise.all([one(), one(), one()]);
  expect(answers.map(heard)).toEqual([WHOLE, WHOLE, WHOLE].map((text) => [text, 'done']));
  expect(answers.map(({ headers }) => headers.get('x-cache') ?? '').toSorted()).toEqual(['HIT', 'HIT', 'MISS']);
  expect(answers.every(({ text }) => text.includes(': continued by b/m\n'))).toBe(true);
  expect([a.calls().length, b.calls().length]).toEqual([1, 1]);
  expect((await one()).headers.get('x-cache')).toBe('MISS');
});

describe('a clean error is what comes', () => {
  test('where the alias does not say so', async () => {
    a.script(CUT);
    expect(heard(await ask('off'))).toEqual([SAID, 'error']);
    expect(b.calls().length).toBe(0);
  });

  test('of an answer that broke off twice, with what each said', async () => {
    a.script(CUT);
    b.script({ ...REST, cutAfter: 1 });
    const answer = await ask('on');
    expect(heard(answer)).toEqual([`${SAID}raised `, 'error']);
    expect((await rowsOf(answer, 2)).map(({ provider, outcome }) => `${provider} ${outcome}`)).toEqual(['a cut', 'b cut']);
    expect([a.calls().length, b.calls().length]).toEqual([1, 1]);
  });

  test('where nobody can go on', async () => {
    a.script([{ match: { prompt: 'The connection broke' }, status: 503 }, CUT]);
    b.script({ status: 503 });
    const answer = await ask('on');
    expect(heard(answer)).toEqual([SAID, 'error']);
    expect(answer.text).not.toContain(': continued');
    expect((await rowsOf(answer, 2)).map(({ outcome, cost_usd: cost }) => [outcome, cost > 0])).toEqual([
      ['cut', true],
      ['failed', false],
    ]);
  });

  test('where the budget refuses the second part, which nobody is asked for then', async () => {
    a.script(CUT);
    b.script(REST);
    const long = 'word '.repeat(180);
    const asked = { prompt: long, max_tokens: 20 };
    // A little more than the first part may cost, which it nearly does.
    const budget = { usd: 0.4, period: 'total' };
    const poor = await newKey({ budget });
    const answer = await ask('on', { ...asked, headers: { 'x-api-key': poor } });
    expect(heard(answer)).toEqual([SAID, 'error']);
    expect(b.calls().length).toBe(0);
    const rich = await newKey({ budget: { usd: 9, period: 'total' } });
    expect(heard(await ask('on', { ...asked, headers: { 'x-api-key': rich } }))).toEqual([WHOLE, 'done']);
  });

  test('of what is not one plain text', async () => {
    const path = '/v1/chat/completions';
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }];
    const response_format = { type: 'json_object' };
    for (const more of [{ tools, tool_choice: 'none' }, { response_format }, { n: 2 }, { logprobs: true }]) {
      a.reset();
      a.script({ ...CUT, text: WHOLE });
      const { text } = await ask('on', { path, ...more });
      expect([text.includes('"error"'), text.includes('[DONE]'), b.calls().length]).toEqual([true, false, 0]);
    }
  });
});

test('who leaves during the second part pays for what came of both, and the provider is left', async () => {
  a.script(CUT);
  b.script({ chunks: [...PIECES.slice(2), 'And so on.'], stallAfter: 2 });
  const leaving = new AbortController();
  const response = await fetch(`${sluice.url}/generate?stream=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'cache-control': 'no-store' },
    body: JSON.stringify({ prompt: 'leaving', model: alias('on') }),
    signal: leaving.signal,
  });
  let text = '';
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true });
      if (text.includes('raised')) leaving.abort();
    }
  })().catch(() => 'left');
  expect(await reading).toBe('left');
  await b.until((calls) => calls.some(({ closedByClientAt }) => closedByClientAt !== null));
  const rows = await rowsOf({ status: 200, headers: response.headers, json: null, text }, 2);
  expect(rows.map(({ provider, outcome, cost_usd: cost }) => [provider, outcome, cost > 0])).toEqual([
    ['a', 'cut', true],
    ['b', 'left', true],
  ]);
});
