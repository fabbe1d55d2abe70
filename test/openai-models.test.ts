import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import Anthropic from '@anthropic-ai/sdk';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { call } from './harness.ts';
import { openPeople, type People } from './people.ts';

/** /v1/models as the clients of both vendors read it. */
const CONFIG = {
  providers: { house: { base_url: 'http://127.0.0.1:9/v1', models: ['meta-llama/llama-4'] } },
  models: { quick: { targets: ['demo'] } },
};

let people: People;
let folder: string;
let all: string;
let some: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-models-'));
  const file = join(folder, 'sluice.config.yaml');
  writeFileSync(file, JSON.stringify(CONFIG));
  people = await openPeople({ SLUICE_CONFIG: file });
  all = await newKey({});
  some = await newKey({ allowed_models: ['quick', 'house/meta-llama/llama-4'] });
}, 60_000);
afterAll(async () => {
  await people.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function newKey(bounds: object): Promise<string> {
  return (await people.ask<{ key: string }>('POST', '/api/v1/keys', { name: 'models', ...bounds })).json.key;
}

function openai(apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${people.sluice.url}/v1`, apiKey, maxRetries: 0 });
}

function anthropic(apiKey: string): Anthropic {
  return new Anthropic({ baseURL: people.sluice.url, apiKey, maxRetries: 0 });
}

/** What the native list says. */
async function namesFor(key: string): Promise<readonly string[]> {
  const { json } = await people.ask<{ data: { id: string }[] }>('GET', '/api/v1/models', undefined, { 'x-api-key': key });
  return json.data.map(({ id }) => id);
}

async function statusOf(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => 'answered',
    (failure: { status?: number }) => failure.status,
  );
}

describe('the client of OpenAI', () => {
  test('lists what the key may call, and nothing else', async () => {
    const names = (await Array.fromAsync(openai(all).models.list())).map(({ id }) => id);
    expect(names).toEqual([...(await namesFor(all))]);
    expect(names).toEqual(expect.arrayContaining(['quick', 'demo', 'demo-embedding', 'house/meta-llama/llama-4']));
    const fewer = await Array.fromAsync(openai(some).models.list());
    expect(fewer.map(({ id }) => id).toSorted()).toEqual(['house/meta-llama/llama-4', 'meta-llama/llama-4', 'quick']);
    expect(fewer.find(({ id }) => id === 'quick')).toEqual({ id: 'quick', object: 'model', created: 0, owned_by: 'demo' });
  });

  test('finds one by its name, slashes and all', async () => {
    expect(await openai(all).models.retrieve('house/meta-llama/llama-4')).toEqual({
      id: 'house/meta-llama/llama-4',
      object: 'model',
      created: 0,
      owned_by: 'house',
    });
    const plain = await call<{ id: string }>(`${people.sluice.url}/v1/models/house/meta-llama/llama-4`, { headers: { authorization: `Bearer ${all}` } });
    expect([plain.status, plain.json.id]).toEqual([200, 'house/meta-llama/llama-4']);
    // Not in the list, and the house may serve it.
    expect((await openai(all).models.retrieve('house/of/cards')).owned_by).toBe('house');
  });

  test('hears 404 of one that there is not, and of one that its key may not call', async () => {
    expect(await statusOf(openai(all).models.retrieve('nothing'))).toBe(404);
    expect(await statusOf(openai(some).models.retrieve('demo'))).toBe(404);
    const { json } = await call<{ error: object }>(`${people.sluice.url}/v1/models/nothing`, { headers: { authorization: `Bearer ${all}` } });
    expect(json.error).toEqual({ message: 'There is no model nothing', type: 'invalid_request_error', param: 'model', code: 'model_not_found' });
  });
});

describe('the client of Anthropic', () => {
  test('lists the same, page after page', async () => {
    const names = await namesFor(all);
    const listed = await Array.fromAsync(anthropic(all).models.list({ limit: 2 }));
    expect(listed.map(({ id }) => id)).toEqual([...names]);
    expect(listed[0]).toMatchObject({ type: 'model', id: 'quick', display_name: 'quick', created_at: '1970-01-01T00:00:00Z', max_input_tokens: 128_000 });
    expect(await anthropic(all).models.retrieve('quick')).toEqual(listed[0] as NonNullable<(typeof listed)[0]>);
  });

  test('goes forth and back', async () => {
    const names = await namesFor(all);
    const first = await anthropic(all).models.list({ limit: 3 });
    expect(first).toMatchObject({ has_more: true, first_id: names[0] ?? '', last_id: names[2] ?? '' });
    const last = await anthropic(all).models.list({ after_id: names.at(-3) ?? '' });
    expect(last).toMatchObject({ has_more: false, first_id: names.at(-2) ?? '', last_id: names.at(-1) ?? '' });
    const before = await anthropic(all).models.list({ limit: 2, before_id: names[3] ?? '' });
    expect(before.data.map(({ id }) => id)).toEqual(names.slice(1, 3));
    expect(before.has_more).toBe(true);
    expect((await anthropic(all).models.list({ limit: 5, before_id: names[1] ?? '' })).has_more).toBe(false);
    expect(await statusOf(anthropic(all).models.list({ after_id: 'nothing' }))).toBe(400);
    expect(await statusOf(anthropic(all).models.list({ limit: 0 }))).toBe(400);
  });

  test('hears of one that there is not in the words of its vendor', async () => {
    const refused = await call(`${people.sluice.url}/v1/models/nothing`, { headers: { 'x-api-key': all, 'anthropic-version': '2023-06-01' } });
    expect(refused.status).toBe(404);
    expect(refused.json).toEqual({
      type: 'error',
      error: { type: 'not_found_error', message: 'There is no model nothing' },
      request_id: refused.headers.get('request-id'),
    });
  });

  test('sees of a key with few models these', async () => {
    expect((await anthropic(some).models.list()).data.map(({ id }) => id).toSorted()).toEqual(['house/meta-llama/llama-4', 'meta-llama/llama-4', 'quick']);
    const none = await newKey({ allowed_models: ['nothing'] });
    expect(await anthropic(none).models.list()).toMatchObject({ data: [], has_more: false, first_id: null, last_id: null });
  });
});
