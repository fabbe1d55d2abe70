import { expect, test } from 'bun:test';
import type { Given, ModelRequest } from '../core/model-request.ts';
import type { Call, UpstreamRequest } from '../core/provider.ts';
import { anthropicProvider } from './anthropic.ts';

const WHOLE = JSON.stringify({ id: 'm', model: 'm', content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn' });
const REQUEST: ModelRequest = { model: 'm', messages: [{ role: 'user', content: 'Hello' }], stream: false };

const describe = (id: string) => ({ id, contextTokens: 1000, outputTokensMax: 500, capabilities: [] });
const givenWith = (headers: Record<string, string>): Given => ({ dialect: 'anthropic-messages', body: { messages: [] }, untold: [], headers });

async function sent(
  options: { readonly baseUrl?: string; readonly apiKey?: string | null; readonly headers?: Record<string, string> },
  given?: Given,
): Promise<UpstreamRequest> {
  const requests: UpstreamRequest[] = [];
  const call: Call = {
    signal: new AbortController().signal,
    requestId: 'req_1',
    random: () => 0,
    sleep: () => Promise.resolve(),
    send: (request) => {
      requests.push(request);
      return Promise.resolve({
        status: 200,
        headers: new Headers({ 'content-type': 'application/json' }),
        text: () => Promise.resolve(WHOLE),
        async *chunks() {},
      });
    },
  };
  const provider = anthropicProvider({ id: 'x', baseUrl: 'https://a.example', apiKey: 'key-1', models: [], open: true, describe, ...options });
  for await (const batch of provider.chat?.({ ...REQUEST, ...(given ? { given } : {}) }, call) ?? []) expect(batch.length).toBeGreaterThan(0);
  const [request] = requests;
  if (!request) throw new Error('nothing was sent');
  return request;
}

test('the key goes in a header of its own, with the version of the API; without one there is none', async () => {
  expect((await sent({})).headers).toMatchObject({ 'x-api-key': 'key-1', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' });
  expect((await sent({ apiKey: null })).headers).not.toHaveProperty('x-api-key');
  expect((await sent({ apiKey: null, headers: { Authorization: 'Bearer token' } })).headers).toMatchObject({ authorization: 'Bearer token' });
});

test.each(['https://a.example', 'https://a.example/', 'https://a.example/v1', 'https://a.example/v1/'])('%s is asked at /v1/messages', async (baseUrl) => {
  expect((await sent({ baseUrl })).url).toBe('https://a.example/v1/messages');
});

test('an address may have a path of its own', async () => {
  expect((await sent({ baseUrl: 'https://a.example/anthropic' })).url).toBe('https://a.example/anthropic/v1/messages');
});

test("the caller's betas go along, besides those of the configuration, and no other header takes the place of ours", async () => {
  const configured = { headers: { 'Anthropic-Beta': 'ours-1' } };
  expect((await sent(configured)).headers).toMatchObject({ 'anthropic-beta': 'ours-1' });
  const both = await sent(configured, givenWith({ 'anthropic-beta': 'theirs-1,theirs-2', 'x-api-key': 'theirs', 'anthropic-version': '2020-01-01' }));
  expect(both.headers).toMatchObject({ 'anthropic-beta': 'ours-1,theirs-1,theirs-2', 'x-api-key': 'key-1', 'anthropic-version': '2023-06-01' });
  expect((await sent({}, givenWith({ 'x-more': '1' }))).headers).toMatchObject({ 'x-more': '1' });
  expect(JSON.parse(both.body ?? '')).toEqual({ messages: [], model: 'm' });
});
