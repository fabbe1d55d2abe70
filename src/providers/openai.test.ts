import { describe, expect, test } from 'bun:test';
import type { ModelEvent } from '../core/events.ts';
import type { ModelRequest } from '../core/model-request.ts';
import type { Call, UpstreamError, UpstreamRequest, UpstreamResponse } from '../core/provider.ts';
import { type OpenaiOptions, openaiProvider } from './openai.ts';

const REQUEST: ModelRequest = { model: 'm', messages: [{ role: 'user', content: 'Hello' }], stream: false };
const WHOLE = JSON.stringify({ id: 'c', model: 'm', choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] });
const PIECE = 'data: {"id":"c","model":"m","choices":[{"delta":{"content":"Hi"}}]}\n\n';
const END = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
const options = (more: Partial<OpenaiOptions> = {}): OpenaiOptions => ({
  id: 'x',
  baseUrl: 'http://127.0.0.1:9/v1',
  apiKey: null,
  dialects: ['openai-chat', 'openai-responses'],
  models: [],
  open: true,
  ...more,
});

type Answer = { readonly status?: number; readonly text?: string; readonly type?: string; readonly chunks?: () => AsyncIterable<Uint8Array> };

function fakeCall(answer: (request: UpstreamRequest) => Answer, sleep: Call['sleep'] = () => Promise.resolve()): Call & { requests: UpstreamRequest[] } {
  const requests: UpstreamRequest[] = [];
  const send = (request: UpstreamRequest): Promise<UpstreamResponse> => {
    requests.push(request);
    const { status = 200, text = '', type = 'application/json', chunks } = answer(request);
    return Promise.resolve({
      status,
      headers: new Headers({ 'content-type': type }),
      text: () => Promise.resolve(text),
      chunks: chunks ?? (() => pieces(text)),
    });
  };
  return { send, signal: new AbortController().signal, requestId: 'req_1', random: () => 0.5, sleep, requests };
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(new TextEncoder().encode(text));
}

async function batches(request: ModelRequest, call: Call, upstream = openaiProvider(options())): Promise<(readonly ModelEvent[])[]> {
  const said: (readonly ModelEvent[])[] = [];
  if (upstream.chat) for await (const batch of upstream.chat(request, call)) said.push(batch);
  return said;
}

async function* neverOver(): AsyncGenerator<Uint8Array> {
  yield* pieces(PIECE + END);
  await new Promise(() => undefined);
}

async function requestOf(more: Partial<OpenaiOptions>): Promise<UpstreamRequest> {
  const call = fakeCall(() => ({ text: WHOLE }));
  await batches(REQUEST, call, openaiProvider(options(more)));
  const [request] = call.requests;
  if (!request) throw new Error('nothing was sent');
  return request;
}

async function failure(running: Promise<unknown> | undefined): Promise<unknown> {
  try {
    await running;
  } catch (cause) {
    return cause;
  }
  return null;
}

describe('openaiProvider', () => {
  test('a server without the Responses API is asked for it once, and never again', async () => {
    const upstream = openaiProvider(options());
    const call = fakeCall((request) => (request.url.endsWith('/responses') ? { status: 404, text: 'not found' } : { text: WHOLE }));
    for (let times = 0; times < 3; times++) await batches({ ...REQUEST, dialect: 'openai-responses' }, call, upstream);
    expect(call.requests.map(({ url }) => url.slice(url.lastIndexOf('/')))).toEqual(['/responses', '/completions', '/completions', '/completions']);
  });

  for (const status of [405, 501]) {
    test(`${status} says that a server lacks the Responses API too`, async () => {
      const call = fakeCall((request) => (request.url.endsWith('/responses') ? { status } : { text: WHOLE }));
      await batches({ ...REQUEST, dialect: 'openai-responses' }, call);
      expect(call.requests).toHaveLength(2);
    });
  }

  test('a server that speaks Responses alone is not asked by chat', async () => {
    const call = fakeCall(() => ({ status: 404, text: 'not found' }));
    const upstream = openaiProvider(options({ dialects: ['openai-responses'] }));
    expect(await failure(batches({ ...REQUEST, stop: ['x'] }, call, upstream))).toMatchObject({ fault: 'rejected', status: 404 });
    expect(call.requests.map(({ url }) => url)).toEqual(['http://127.0.0.1:9/v1/responses']);
  });

  test('what only the Responses API can say is not said in other words, and is refused by its name', async () => {
    const upstream = openaiProvider(options());
    expect(upstream.dialects).toEqual(['openai-chat', 'openai-responses']);
    const given = { dialect: 'openai-responses', body: { input: 'Hello', include: ['x'] }, untold: ['include'] } as const;
    const call = fakeCall((request) => (request.url.endsWith('/responses') ? { status: 404, text: 'not found' } : { text: WHOLE }));
    const failed = await failure(batches({ ...REQUEST, given }, call, upstream));
    expect(failed).toMatchObject({ fault: 'rejected', status: 404 });
    expect((failed as UpstreamError).words).toContain('`include`');
    expect(upstream.dialects).toEqual(['openai-chat']);
    expect((await batches({ ...REQUEST, given: { ...given, untold: [] } }, call, upstream)).flat().at(-1)).toMatchObject({ type: 'end' });
    expect(call.requests.map(({ url }) => url.slice(url.lastIndexOf('/')))).toEqual(['/responses', '/completions']);
  });

  test('headers that belong to what was given go with it, and never in the place of ours', async () => {
    const headers = { 'openai-beta': 'x=1', authorization: 'Bearer of-the-caller', 'content-type': 'text/plain' };
    const call = fakeCall(() => ({ text: WHOLE }));
    const given = { dialect: 'openai-chat', body: { messages: [] }, untold: [], headers } as const;
    await batches({ ...REQUEST, given }, call, openaiProvider(options({ apiKey: 'sk-1' })));
    expect(call.requests[0]?.headers).toMatchObject({ 'openai-beta': 'x=1', authorization: 'Bearer sk-1', 'content-type': 'application/json' });
  });

  const GIVEN = { dialect: 'openai-chat', body: { messages: [], stream: true, stream_options: { x: 1 } }, untold: [] } as const;

  test('what comes after the end of a stream is no frame of it', async () => {
    const call = fakeCall(() => ({ type: 'text/event-stream', chunks: () => pieces(`${PIECE}${END}data: {"late":1}\n\n`) }));
    const said = (await batches({ ...REQUEST, stream: true, given: GIVEN }, call)).flat();
    expect(said.map(({ type }) => type)).toEqual(['frame', 'start', 'text-delta', 'frame', 'frame', 'end']);
    expect(JSON.parse(call.requests[0]?.body ?? '')).toMatchObject({ stream_options: { x: 1, include_usage: true } });
  });

  test('a stream that is answered whole has no frames, and a whole answer is not asked for as a stream', async () => {
    const streamed = await batches(
      { ...REQUEST, stream: true, given: GIVEN },
      fakeCall(() => ({ text: WHOLE })),
    );
    expect(streamed.flat().map(({ type }) => type)).toEqual(['start', 'text-delta', 'end']);
    const call = fakeCall(() => ({ text: WHOLE }));
    expect((await batches({ ...REQUEST, given: GIVEN }, call)).flat()[0]).toEqual({ type: 'frame', event: null, data: WHOLE });
    expect(JSON.parse(call.requests[0]?.body ?? '')).toEqual({ messages: [], model: 'm', stream: false });
  });

  test('a server with words of its own is spoken to in them, and one that says no `[DONE]` has ended all the same', async () => {
    const quirks = { words: { seed: 'random_seed', max_completion_tokens: 'max_tokens', stream_options: null }, saysNoDone: true } as const;
    const upstream = openaiProvider(options({ quirks, dialects: ['openai-chat'] }));
    const finish = END.slice(0, END.indexOf('data: [DONE]'));
    const call = fakeCall(() => ({ type: 'text/event-stream', chunks: () => pieces(PIECE + finish) }));
    const given = { ...GIVEN, body: { ...GIVEN.body, max_completion_tokens: 5, max_tokens: 7 } };
    const said = (await batches({ ...REQUEST, stream: true, given }, call, upstream)).flat();
    expect(said.slice(-2)).toEqual([
      { type: 'frame', event: null, data: '[DONE]' },
      { type: 'end', finishReason: 'stop' },
    ]);
    expect(JSON.parse(call.requests[0]?.body ?? '')).toEqual({ messages: [], stream: true, model: 'm', max_tokens: 7 });
    await batches({ ...REQUEST, stream: true, seed: 3 }, call, upstream);
    expect(JSON.parse(call.requests[1]?.body ?? '')).toEqual({ model: 'm', messages: REQUEST.messages, stream: true, random_seed: 3 });
    const cut = batches(
      { ...REQUEST, stream: true },
      fakeCall(() => ({ type: 'text/event-stream', chunks: () => pieces(PIECE) })),
      upstream,
    );
    expect(await failure(cut)).toMatchObject({ fault: 'broken' });
  });

  test('what arrives in one read is one batch', async () => {
    const call = fakeCall(() => ({ type: 'text/event-stream', chunks: () => pieces(PIECE + PIECE, ': ping\n\n', PIECE + END) }));
    const said = await batches({ ...REQUEST, stream: true }, call);
    expect(said.map((batch) => batch.map(({ type }) => type))).toEqual([
      ['start', 'text-delta', 'text-delta'],
      ['text-delta', 'end'],
    ]);
  });

  test('the body is read to its end, so that the connection serves again', async () => {
    let over = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      yield* pieces(PIECE + END, '\n');
      over = true;
    }
    await batches(
      { ...REQUEST, stream: true },
      fakeCall(
        () => ({ type: 'text/event-stream', chunks: body }),
        () => new Promise(() => undefined),
      ),
    );
    expect(over).toBe(true);
  });

  test('a body that stays open after the last word is not waited for', async () => {
    const slept: number[] = [];
    const sleep = (ms: number): Promise<void> => {
      slept.push(ms);
      return Promise.resolve();
    };
    const said = await batches(
      { ...REQUEST, stream: true },
      fakeCall(() => ({ type: 'text/event-stream', chunks: neverOver }), sleep),
    );
    expect(said.flat().at(-1)).toEqual({ type: 'end', finishReason: 'stop' });
    expect(slept).toEqual([250]);
  });

  test('who leaves a stream early closes its body', async () => {
    let closed = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield* pieces(PIECE);
      } finally {
        closed = true;
      }
    }
    const call = fakeCall(() => ({ type: 'text/event-stream', chunks: body }));
    for await (const batch of openaiProvider(options()).chat?.({ ...REQUEST, stream: true }, call) ?? []) if (batch.length > 0) break;
    await Promise.resolve();
    expect(closed).toBe(true);
  });

  test('addresses are joined with and without a slash, a query and a path of their own', async () => {
    expect((await requestOf({ baseUrl: 'https://a.example/v1/' })).url).toBe('https://a.example/v1/chat/completions');
    expect((await requestOf({ baseUrl: 'https://a.example' })).url).toBe('https://a.example/chat/completions');
    expect((await requestOf({ baseUrl: 'https://a.example/openai?api-version=1' })).url).toBe('https://a.example/openai/chat/completions?api-version=1');
    expect((await requestOf({ baseUrl: 'https://a.example/v1', chatPath: 'text/chatcompletion_v2' })).url).toBe('https://a.example/v1/text/chatcompletion_v2');
  });

  test('the key goes as a bearer, unless the configured headers say otherwise; without a key there is none', async () => {
    expect((await requestOf({ apiKey: 'sk-1' })).headers).toMatchObject({ authorization: 'Bearer sk-1', 'content-type': 'application/json' });
    expect((await requestOf({ apiKey: 'sk-1', headers: { Authorization: 'Basic eA==' } })).headers).toMatchObject({ authorization: 'Basic eA==' });
    expect((await requestOf({})).headers).not.toHaveProperty('authorization');
  });

  test('no secret of ours comes back in an error, in whatever form the provider quotes it', async () => {
    const secrets = { apiKey: 'no-prefix-0123456789', headers: { 'api-key': 'another-secret-1' } };
    for (const status of [200, 401, 500]) {
      const text = JSON.stringify({ error: { message: 'bad: no-prefix-0123456789, another-secret-1, sk-proj-abc***xyz', type: 'server_error' } });
      const failed = batches(
        REQUEST,
        fakeCall(() => ({ status, text })),
        openaiProvider(options(secrets)),
      );
      const { words, message } = (await failure(failed)) as UpstreamError;
      expect(words).toBe('bad: [key], [key], [key]');
      // What is logged has nothing of what the provider quotes, be it a key or a prompt.
      expect(message).toMatch(/^The provider (answered \d+|reported an error) \(server_error\)\.$/);
    }
  });

  test('an embedding that is garbage is a broken answer', async () => {
    const call = fakeCall(() => ({ text: JSON.stringify({ data: [{ index: 0, embedding: '***' }] }) }));
    expect(await failure(openaiProvider(options()).embed?.({ model: 'm', texts: ['a'] }, call))).toMatchObject({ fault: 'broken' });
  });
});
