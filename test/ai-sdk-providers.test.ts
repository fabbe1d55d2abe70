import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestReply } from '../src/contract/requests.ts';
import { installPackage, SHOUTING } from './ai-sdk/packages.ts';
import { startVendors, type Vendors } from './ai-sdk/vendors.ts';
import { type Answered, call, parseEvents, type Sluice, signIn, startSluice, until } from './harness.ts';

/** The real process before what only provider packages speak to: Bedrock, Vertex, and a package that somebody put under DATA_DIR. */
const NOVA = 'bedrock/eu.amazon.nova-lite-v1:0';
const TOOL = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
};

type ToolCall = {
  readonly index?: number;
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
};
type Completion = {
  readonly id: string;
  readonly choices: readonly {
    readonly finish_reason: string;
    readonly message: { readonly content: string | null; readonly tool_calls?: readonly ToolCall[] };
  }[];
  readonly usage: object;
};
type Chunk = {
  readonly choices: readonly {
    readonly finish_reason: string | null;
    readonly delta: { readonly content?: string; readonly tool_calls?: readonly ToolCall[] };
  }[];
  readonly usage?: object | null;
  readonly error?: { readonly code: string | null };
};

let vendors: Vendors;
let elsewhere: Vendors;
let sluice: Sluice;
let admin: Record<string, string>;
const folder = mkdtempSync(join(tmpdir(), 'sluice-ai-sdk-'));
const file = join(folder, 'sluice.config.yaml');

function configured(more: object = {}): object {
  const { url } = vendors.server;
  return {
    providers: {
      bedrock: {
        kind: 'ai-sdk',
        package: '@ai-sdk/amazon-bedrock',
        base_url: `${url}/bedrock`,
        options: { region: 'eu-central-1', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: '${BEDROCK_SECRET}' },
        models: ['eu.amazon.nova-lite-v1:0'],
      },
      vertex: { kind: 'ai-sdk', package: '@ai-sdk/google-vertex', base_url: `${url}/aiplatform`, api_key: 'vertex-express-key', models: ['gemini-2.5-flash'] },
      ...more,
    },
    models: { safe: { targets: [NOVA], fallbacks: ['vertex/gemini-2.5-flash'] } },
    prices: { 'bedrock/*': { input: 1, output: 5 } },
  };
}

beforeAll(async () => {
  vendors = startVendors();
  elsewhere = startVendors();
  writeFileSync(file, JSON.stringify(configured()));
  installPackage(folder, 'shouting-provider', SHOUTING(`${elsewhere.server.url}/shout`));
  writeFileSync(join(folder, 'bedrock-secret'), 'secret-of-bedrock-0123\n');
  const env = { SLUICE_CONFIG: file, BEDROCK_SECRET_FILE: join(folder, 'bedrock-secret'), UPSTREAM_MAX_RETRIES: '0', UPSTREAM_BACKOFF_BASE_S: '0.01' };
  sluice = await startSluice({ env, dataDir: folder });
  admin = await signIn(sluice.url);
});
afterAll(async () => {
  await sluice.stop();
  vendors.server.stop();
  elsewhere.server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const user = (content: string): object => ({ role: 'user', content });

function chat<Body = Completion>(model: string, content: string, more: object = {}): Promise<Answered<Body>> {
  return call<Body>(`${sluice.url}/v1/chat/completions`, { json: { model, messages: [user(content)], ...more }, headers: admin });
}

async function streamed(model: string, content: string, more: object = {}): Promise<{ readonly chunks: readonly Chunk[]; readonly isDone: boolean }> {
  const { text } = await chat(model, content, { stream: true, stream_options: { include_usage: true }, ...more });
  const events = parseEvents(text).map(({ data }) => data);
  return { chunks: events.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data) as Chunk), isDone: events.at(-1) === '[DONE]' };
}

const textOf = (chunks: readonly Chunk[]): string => chunks.map(({ choices }) => choices?.[0]?.delta.content ?? '').join('');
const reasonsOf = (chunks: readonly Chunk[]): readonly string[] => chunks.flatMap(({ choices }) => choices?.[0]?.finish_reason ?? []);

describe('Bedrock', () => {
  test('is asked with a signed request, and its answer is counted and paid for', async () => {
    const { json, headers } = await chat(NOVA, 'Say hello.', { temperature: 0.5 });
    expect(json).toMatchObject({
      choices: [{ finish_reason: 'stop', message: { content: 'Hallo.' } }],
      usage: { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 },
    });
    const { path, body, headers: sent } = vendors.asked().at(-1) ?? {};
    expect(path).toBe('/bedrock/model/eu.amazon.nova-lite-v1%3A0/converse');
    expect(body).toMatchObject({ messages: [{ role: 'user', content: [{ text: 'Say hello.' }] }], inferenceConfig: { temperature: 0.5 } });
    expect(sent?.['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\/\d{8}\/eu-central-1\/bedrock\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/,
    );
    let entered: Answered<RequestReply> | null = null;
    const url = `${sluice.url}/api/v1/requests/${headers.get('x-request-id')}`;
    await until(async () => (entered = await call<RequestReply>(url, { headers: admin })).status === 200);
    expect(entered).toMatchObject({ json: { provider: 'bedrock', outcome: 'ok', cost_usd: (1000 * 1 + 100 * 5) / 1e6 } });
  });

  test('is passed on as it streams', async () => {
    const { chunks, isDone } = await streamed(NOVA, 'Say hello.');
    expect([textOf(chunks), reasonsOf(chunks), isDone]).toEqual(['Hallo.', ['stop'], true]);
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 1000, completion_tokens: 100 });
  });

  test('calls two tools at once, and gets their results under the same ids', async () => {
    const { chunks } = await streamed(NOVA, 'How is the weather?', { tools: [TOOL] });
    const pieces = chunks.flatMap(({ choices }) => choices?.[0]?.delta.tool_calls ?? []);
    const calls = [0, 1].map((index) => pieces.filter((piece) => piece.index === index));
    expect(calls.map(([first]) => [first?.id, first?.function.name])).toEqual([
      ['tooluse_1', 'get_weather'],
      ['tooluse_2', 'get_weather'],
    ]);
    expect(calls.map((each) => each.map((piece) => piece.function.arguments ?? '').join(''))).toEqual(['{"city":"Rome"}', '{"city":"Oslo"}']);
    expect(reasonsOf(chunks)).toEqual(['tool_calls']);

    const whole = (await chat(NOVA, 'How is the weather?', { tools: [TOOL] })).json.choices[0];
    expect(whole?.finish_reason).toBe('tool_calls');
    const results = (whole?.message.tool_calls ?? []).map(({ id }) => ({ role: 'tool', tool_call_id: id, content: `sunny for ${id}` }));
    const messages = [user('How is the weather?'), { role: 'assistant', content: null, tool_calls: whole?.message.tool_calls }, ...results];
    const told = await call<Completion>(`${sluice.url}/v1/chat/completions`, { json: { model: NOVA, messages, tools: [TOOL] }, headers: admin });
    expect(told.json.choices[0]?.message.content).toBe('Hallo.');
    const turns = vendors.asked().at(-1)?.body['messages'] as readonly { readonly content: readonly object[] }[];
    expect(turns.at(-1)?.content).toEqual([
      { toolResult: { toolUseId: 'tooluse_1', content: [{ text: 'sunny for tooluse_1' }] } },
      { toolResult: { toolUseId: 'tooluse_2', content: [{ text: 'sunny for tooluse_2' }] } },
    ]);
  });

  test('that limits us is 429 for the caller, and nothing where another one answers', async () => {
    const limited = await chat<{ error: { code: string } }>(NOVA, 'This is too much.');
    expect([limited.status, limited.headers.has('retry-after')]).toEqual([429, true]);
    const { status, headers, json } = await chat('safe', 'This is too much.');
    expect([status, headers.get('x-provider'), json.choices[0]?.message.content]).toEqual([200, 'vertex', 'Hallo.']);
  });

  test.each(['break off', 'hang up'])('that stops in the middle (%s) leaves an error behind, and no end', async (how) => {
    const { chunks, isDone } = await streamed(NOVA, `Say hello and ${how}.`);
    expect([textOf(chunks), reasonsOf(chunks), isDone]).toEqual(['Hal', [], false]);
    expect(chunks.at(-1)?.error).toBeDefined();
  });

  test('is left when callers leave, all fifty', async () => {
    const body = JSON.stringify({ model: NOVA, messages: [user('Say hello, it never ends.')], stream: true });
    const headers = { ...admin, 'content-type': 'application/json' };
    const before = vendors.server.open();
    const callers = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const leaving = new AbortController();
        const { body: answer } = await fetch(`${sluice.url}/v1/chat/completions`, { method: 'POST', headers, body, signal: leaving.signal });
        await answer?.getReader().read();
        return leaving;
      }),
    );
    expect(vendors.server.open()).toBeGreaterThanOrEqual(50);
    for (const leaving of callers) leaving.abort();
    await until(() => vendors.server.open() <= before, 1_000);
  });

  test.each<[path: string, body: object, said: object]>([
    ['/v1/messages', { max_tokens: 100, messages: [user('Say hello.')] }, { content: [{ type: 'text', text: 'Hallo.' }], stop_reason: 'end_turn' }],
    ['/v1/responses', { input: 'Say hello.' }, { status: 'completed', output: [{ content: [{ type: 'output_text', text: 'Hallo.' }] }] }],
    ['/generate', { prompt: 'Say hello.' }, { response: 'Hallo.' }],
  ])('speaks on %s as on every other surface', async (path, body, said) => {
    expect((await call(`${sluice.url}${path}`, { json: { model: NOVA, ...body }, headers: admin })).json).toMatchObject(said);
  });

  test('embeds, one text at a time where the model takes no more', async () => {
    const { json } = await call(`${sluice.url}/v1/embeddings`, {
      json: { model: 'bedrock/amazon.titan-embed-text-v2:0', input: ['one', 'two'] },
      headers: admin,
    });
    expect(json).toMatchObject({ data: [{ embedding: [0.5, -0.25] }, { embedding: [0.5, -0.25] }], usage: { prompt_tokens: 6 } });
  });
});

describe('Vertex', () => {
  test('is asked by its key, whole and streamed', async () => {
    expect((await chat('vertex/gemini-2.5-flash', 'Say hello.')).json.choices[0]?.message.content).toBe('Hallo.');
    expect(vendors.asked().at(-1)).toMatchObject({
      path: '/aiplatform/models/gemini-2.5-flash:generateContent',
      headers: { 'x-goog-api-key': 'vertex-express-key' },
      body: { contents: [{ role: 'user', parts: [{ text: 'Say hello.' }] }] },
    });
    const { chunks, isDone } = await streamed('vertex/gemini-2.5-flash', 'Say hello.');
    expect([textOf(chunks), reasonsOf(chunks), isDone]).toEqual(['Hallo.', ['stop'], true]);
  });

  test('refuses what it has no words for, and says what', async () => {
    const { status, json } = await chat<{ error: object }>('vertex/gemini-2.5-flash', 'Hello.', { tools: [TOOL], parallel_tool_calls: false });
    expect([status, JSON.stringify(json)]).toEqual([400, expect.stringContaining('at most one tool call')]);
  });
});

const shouting = (): object => ({
  shouting: { kind: 'ai-sdk', package: 'shouting-provider', base_url: vendors.server.url, options: { shout: 'loud' } },
});

/** Writes the file anew, and waits until it counts or is refused. */
async function reconfigure(more: object, message: string): Promise<void> {
  const before = sluice.logs().filter((line) => line.message === message).length;
  writeFileSync(file, JSON.stringify(configured(more)));
  await until(() => sluice.logs().filter((line) => line.message === message).length > before);
}

describe('a package under DATA_DIR', () => {
  test('is there as soon as the configuration names it, whatever version of the interface it has', async () => {
    await reconfigure(shouting(), 'the configuration was read anew');
    expect((await chat('shouting/any', 'Say hello.')).json).toMatchObject({ choices: [{ message: { content: 'HELLO' } }], usage: { prompt_tokens: 3 } });
    expect(vendors.asked().at(-1)).toMatchObject({ path: '/shout', body: { modelId: 'any', shout: 'loud' } });
    const { chunks, isDone } = await streamed('shouting/any', 'Say hello.');
    expect([textOf(chunks), reasonsOf(chunks), isDone]).toEqual(['HELLO', ['stop'], true]);
  });

  test('that ends a stream without a reason has not ended it', async () => {
    const { chunks, isDone } = await streamed('shouting/mute', 'Say hello.');
    expect([textOf(chunks), reasonsOf(chunks), isDone]).toEqual(['HELLO', [], false]);
  });

  test('gets to no address but its own', async () => {
    const { status } = await chat('shouting/wanderer', 'Say hello.');
    expect([status, elsewhere.server.opened()]).toEqual([502, 0]);
    const line = sluice.logs().findLast(({ message }) => message === 'an upstream attempt failed');
    expect(line?.['reason']).toBe(`The package asked ${elsewhere.server.url}, which is none of its origins.`);
  });

  test('that is not installed leaves the configuration in force as it was', async () => {
    await reconfigure({ missing: { kind: 'ai-sdk', package: 'no-such-provider' } }, 'the changed configuration is refused; the one before stays in force');
    const line = sluice.logs().findLast(({ message }) => message.startsWith('the changed configuration is refused'));
    expect(JSON.stringify(line)).toContain(`npm install --prefix ${folder} no-such-provider`);
    expect((await chat('shouting/any', 'Say hello.')).status).toBe(200);
  });
});

function check(providers: object): { readonly code: number; readonly said: string } {
  const path = join(folder, 'check.yaml');
  writeFileSync(path, JSON.stringify({ providers }));
  const env = { PATH: process.env['PATH'] ?? '', SLUICE_CONFIG: path, DATA_DIR: folder, THE_SECRET: 'canary-canary-canary' };
  const ended = Bun.spawnSync([process.execPath, '--no-env-file', 'src/main.ts', 'config', 'check'], { cwd: join(import.meta.dir, '..'), env });
  return { code: ended.exitCode, said: `${ended.stdout.toString()}${ended.stderr.toString()}` };
}

describe('config check', () => {
  const bedrock = { kind: 'ai-sdk', package: '@ai-sdk/amazon-bedrock' };

  test('is content with what is installed, and prints no secret', () => {
    const { code, said } = check({ bedrock: { ...bedrock, options: { region: 'eu-central-1', accessKeyId: 'AKIA', secretAccessKey: '${THE_SECRET}' } } });
    expect(said).toContain('The configuration is good.');
    expect([code, said.includes('canary')]).toEqual([0, false]);
  });

  test('says how a package comes that is not there', () => {
    const { code, said } = check({ it: { kind: 'ai-sdk', package: '@ai-sdk/nobody/deep' } });
    expect([code, said]).toEqual([1, expect.stringContaining(`npm install --prefix ${folder} @ai-sdk/nobody`)]);
  });
});
