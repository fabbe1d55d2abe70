import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { dreamingModel, recitingModel, REPLY } from './gguf/models.ts';
import { call, parseEvents, type Sluice, signIn, until } from './harness.ts';
import { modelProcess, startWithModels } from './local-models.ts';

/** What happens to the process of a model, and what its callers see of that. */
type Completion = { choices: { message: { content: string } }[] };
type LocalHealth = { status: string; state: string; model?: string; progress?: number; message?: string };
type Health = { checks: { local_model: LocalHealth; queue: { calls_in_flight: number } } };
type Failed = { error: { code: string; message: string } };

let sluice: Sluice;
let auth: Record<string, string>;

beforeAll(async () => {
  sluice = await startWithModels({ dream: dreamingModel(), endless: recitingModel({ endless: true }), recite: recitingModel() });
  auth = await signIn(sluice.url);
});
afterAll(() => sluice.stop());

const chat = <Body = Completion>(body: object, where = sluice) => call<Body>(`${where.url}/v1/chat/completions`, { json: body, headers: auth });
const dreamOf = (content: string, length = 48) => ({ model: 'local/dream', temperature: 0, max_tokens: length, messages: [{ role: 'user', content }] });
const answerOf = ({ json }: { readonly json: Completion }) => json.choices[0]?.message.content;
const endless = { model: 'local/endless', messages: [{ role: 'user', content: 'on and on' }] };
const localHealth = async (where = sluice) => (await call<Health>(`${where.url}/health`)).json.checks.local_model;

const callsInFlight = async () => (await call<Health>(`${sluice.url}/health`)).json.checks.queue.calls_in_flight;

/** Opens a stream and reads its first piece. */
async function openStream(body: object, signal?: AbortSignal) {
  const response = await fetch(`${sluice.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { ...auth, 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true }),
    ...(signal === undefined ? {} : { signal }),
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = decoder.decode((await reader.read()).value, { stream: true });
  const rest = async (): Promise<string> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text;
      text += decoder.decode(value, { stream: true });
    }
  };
  return { rest };
}

describe('kill -9 of the process of a model', () => {
  test('is an error in the stream within a second, and the next call is answered within five', async () => {
    const { rest } = await openStream(endless);
    const killedAt = performance.now();
    process.kill(modelProcess(sluice, 'endless'), 'SIGKILL');
    const text = await rest();
    expect(performance.now() - killedAt).toBeLessThan(1000);
    expect(text).not.toContain('[DONE]');
    const last = parseEvents(text).at(-1);
    expect(JSON.parse(last?.data ?? '{}')).toMatchObject({ error: { type: 'server_error' } });
    const next = await chat({ ...endless, max_tokens: 5 });
    expect(next.status).toBe(200);
    expect(performance.now() - killedAt).toBeLessThan(5000);
  });

  test('loses no question that waits, and the service lives', async () => {
    await chat(dreamOf('a'));
    const asked = Array.from({ length: 12 }, (_, index) => chat(dreamOf(`question ${index}`, 200)));
    await until(async () => (await callsInFlight()) === 12);
    process.kill(modelProcess(sluice, 'dream'), 'SIGKILL');
    // Those that had not begun to answer are asked again.
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect((await call(`${sluice.url}/healthz`)).status).toBe(200);
  });
});

describe('many callers at once', () => {
  test('of whom some leave: each of the others has its whole answer', async () => {
    const leaving = Array.from({ length: 10 }, () => new AbortController());
    const left = Promise.allSettled(leaving.map(async ({ signal }) => (await openStream(dreamOf('somebody who leaves', 400), signal)).rest()));
    const asked = Array.from({ length: 40 }, (_, index) => chat({ ...dreamOf(`caller ${index}`), model: index % 4 === 0 ? 'local/recite' : 'local/dream' }));
    await until(async () => (await callsInFlight()) > 20);
    for (const each of leaving) each.abort();
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
    for (const [index, answer] of answers.entries()) {
      if (index % 4 === 0) expect(answerOf(answer)).toBe(REPLY);
      else expect(answerOf(answer)).toBe(answerOf(await chat(dreamOf(`caller ${index}`))));
    }
    expect((await left).map(({ status }) => status)).toEqual(Array(10).fill('rejected'));
  });

  test('who ask the same at temperature 0 hear the same, alone and among others', async () => {
    const alone: (string | undefined)[] = [];
    for (let time = 0; time < 20; time++) alone.push(answerOf(await chat(dreamOf('what is the same'))));
    const others = Array.from({ length: 20 }, (_, index) => chat(dreamOf(`noise ${'x'.repeat(index * 7)}`, 80)));
    const among = await Promise.all(Array.from({ length: 20 }, async () => answerOf(await chat(dreamOf('what is the same')))));
    await Promise.all(others);
    expect(new Set([...alone, ...among]).size).toBe(1);
    expect(alone[0]?.length).toBeGreaterThan(20);
  });

  test('who leave give their places back at once', async () => {
    const leaving = Array.from({ length: 4 }, () => new AbortController());
    await Promise.all(leaving.map(({ signal }) => openStream(endless, signal)));
    for (const each of leaving) each.abort();
    const began = performance.now();
    expect((await chat({ ...endless, max_tokens: 3 })).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('a queue that is full', () => {
  test('503 with Retry-After, and those in it are answered', async () => {
    const busy = await startWithModels({ dream: dreamingModel() }, { LOCAL_MODEL_PARALLEL: '1', LOCAL_MODEL_QUEUE: '3' });
    try {
      await until(async () => (await localHealth(busy)).state === 'ready', 20_000);
      const asked = await Promise.all(
        Array.from({ length: 12 }, (_, index) => call<Failed>(`${busy.url}/local/generate`, { json: { prompt: `queue ${index}`, max_tokens: 200 } })),
      );
      const statuses = asked.map(({ status }) => status);
      expect(new Set(statuses)).toEqual(new Set([200, 503]));
      expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4);
      const refused = asked.find(({ status }) => status === 503);
      expect(refused?.json.error.code).toBe('SERVICE_UNAVAILABLE');
      expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    } finally {
      await busy.stop();
    }
  });
});

describe('health', () => {
  test('tells how the model does', async () => {
    await until(async () => (await localHealth()).state === 'ready', 20_000);
    expect(await localHealth()).toEqual({ status: 'ok', state: 'ready', model: 'dream' });
    const { json } = await call<{ status: string; local_model: LocalHealth }>(`${sluice.url}/readyz`);
    expect(json).toEqual({ status: 'ready', local_model: { status: 'ok', state: 'ready', model: 'dream' } });
  });
});

describe('a model that nobody asks', () => {
  test('is unloaded, and loaded again for the next question', async () => {
    const resting = await startWithModels({ recite: recitingModel() }, { LOCAL_MODEL_IDLE_S: '1' });
    try {
      await until(() => resting.logs().some(({ message }) => message === 'the local model was unloaded, because nobody asks it'), 20_000);
      expect((await localHealth(resting)).state).toBe('idle');
      const { json } = await call<{ response: string }>(`${resting.url}/local/generate`, { json: { prompt: 'awake' } });
      expect(json.response).toBe(REPLY);
    } finally {
      await resting.stop();
    }
  });
});

describe('the process of a model', () => {
  test('goes on with its answers when Ctrl-C or a service manager reaches it', async () => {
    await chat({ ...dreamOf('before the signals'), model: 'local/recite' });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(modelProcess(sluice, 'recite'), signal);
    const pid = modelProcess(sluice, 'recite');
    expect(answerOf(await chat({ ...dreamOf('after the signals'), model: 'local/recite' }))).toBe(REPLY);
    expect(modelProcess(sluice, 'recite')).toBe(pid);
    expect(isAlive(pid)).toBe(true);
  });

  test('ends with the service, even when that is killed', async () => {
    const dying = await startWithModels({ recite: recitingModel() });
    await until(async () => (await localHealth(dying)).state === 'ready', 20_000);
    const pid = modelProcess(dying, 'recite');
    await dying.end('SIGKILL');
    await until(() => !isAlive(pid), 3000);
    await dying.stop();
  });

  test('is told no secret and no more than it needs', async () => {
    await chat(dreamOf('a'));
    const pid = modelProcess(sluice, 'dream');
    if (!existsSync(`/proc/${pid}/environ`)) return;
    const environment = (await Bun.file(`/proc/${pid}/environ`).text()).split('\0').filter((each) => each !== '');
    expect(environment.filter((each) => !/^(GGML|BUN|NODE)_/.test(each))).toEqual([]);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
