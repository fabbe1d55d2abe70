import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dreamingModel, recitingModel, REPLY } from './gguf/models.ts';
import { mutations } from './gguf/mutations.ts';
import { ggufBytes, type GgufFile } from './gguf/writer.ts';
import { call, type Sluice, signIn, startSluice, until } from './harness.ts';
import { startWithModels } from './local-models.ts';

/** Files that are no models: whoever asks hears why, and the service lives. */
type Failed = { error: { code: string; message: string; details: { reason?: string } } };
type Health = { status: string; checks: { local_model: { state: string; message?: string } } };

const GOOD = recitingModel();
const goodBut = (metadata: GgufFile['metadata']): GgufFile => ({ ...GOOD, metadata: { ...GOOD.metadata, ...metadata } });
const tokens = GOOD.metadata['tokenizer.ggml.tokens']?.[1] as readonly string[];

/** Each with what its callers hear. */
const BAD: readonly (readonly [name: string, file: Uint8Array, reason: RegExp])[] = [
  ['empty', new Uint8Array(), /not a GGUF file/],
  ['text', Buffer.from('This is not a model. '.repeat(100)), /not a GGUF file/],
  ['cut-in-head', ggufBytes(GOOD).subarray(0, 900), /cut off or damaged/],
  ['cut-in-numbers', ggufBytes(GOOD).subarray(0, 200_000), /ends behind the end of the file/],
  ['no-heads', ggufBytes(goodBut({ 'llama.attention.head_count': ['u32', 0] })), /llama.attention.head_count is 0/],
  ['no-layers', ggufBytes(goodBut({ 'llama.block_count': ['u32', 0] })), /llama.block_count is 0/],
  ['many-layers', ggufBytes(goodBut({ 'llama.block_count': ['u32', 1_000_000_000] })), /llama.block_count is 1000000000/],
  [
    'twins',
    ggufBytes(goodBut({ 'tokenizer.ggml.tokens': ['texts', tokens.map((token, id) => (id === 70 ? (tokens[69] ?? '') : token))] })),
    /same token twice/,
  ],
  ['stranger', ggufBytes(goodBut({ 'general.architecture': ['text', 'lluma'] })), /does not say its lluma.block_count/],
  // What only the program that loads it finds out.
  ['odd-heads', ggufBytes(goodBut({ 'llama.attention.head_count': ['u32', 3] })), /.+/],
  ['more-layers', ggufBytes(goodBut({ 'llama.block_count': ['u32', 3] })), /.+/],
];

/** Run with another number to try more of them. */
const MUTATIONS = Number(process.env['SLUICE_GGUF_MUTATIONS'] ?? 100);

let sluice: Sluice;
let auth: Record<string, string>;

beforeAll(async () => {
  sluice = await startWithModels({ good: GOOD }, { LOCAL_MODEL_IDLE_S: '1', UPSTREAM_BACKOFF_BASE_S: '0.01' });
  auth = await signIn(sluice.url);
});
afterAll(() => sluice.stop());

/** Puts them beside the others, and waits until the service has seen them. */
async function add(files: readonly (readonly [name: string, bytes: Uint8Array])[]): Promise<void> {
  for (const [name, bytes] of files) writeFileSync(join(sluice.dataDir, 'models', `${name}.gguf`), bytes);
  await until(async () => {
    const { json } = await call<{ data: { id: string }[] }>(`${sluice.url}/api/v1/models`, { headers: auth });
    const listed = new Set(json.data.map(({ id }) => id));
    return files.every(([name]) => listed.has(`local/${name}`));
  });
}
const ask = (model: string) => call<Failed>(`${sluice.url}/generate`, { json: { prompt: 'a', model, max_tokens: 3 }, headers: auth });

describe('a file that is no model', () => {
  test('is refused with the reason, within a second, and the good one answers on', async () => {
    await add(BAD.map(([name, bytes]) => [`bad-${name}`, bytes]));
    for (const [name, , reason] of BAD) {
      const began = performance.now();
      const { status, json, headers } = await ask(`local/bad-${name}`);
      expect({ name, status, code: json.error.code }).toEqual({ name, status: 503, code: 'LOCAL_MODEL_UNAVAILABLE' });
      expect(`${name}: ${json.error.details.reason}`).toMatch(reason);
      expect(json.error.message).toContain(`bad-${name}`);
      expect(JSON.stringify(json)).not.toContain(sluice.dataDir);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(performance.now() - began).toBeLessThan(2000);
    }
    const { json } = await call<{ response: string }>(`${sluice.url}/local/generate`, { json: { prompt: 'after all that' } });
    expect(json.response).toBe(REPLY);
  });
});

describe('files in which something is damaged', () => {
  test(
    `never end the service: ${MUTATIONS} of them`,
    async () => {
      const files = [...mutations(ggufBytes(dreamingModel()), MUTATIONS)];
      const seen = new Map<number, number>();
      for (let from = 0; from < files.length; from += 25) {
        const some = files.slice(from, from + 25).map((bytes, index) => [`damaged-${from + index}`, bytes] as const);
        await add(some);
        for (const [name] of some) {
          const { status } = await ask(`local/${name}`);
          seen.set(status, (seen.get(status) ?? 0) + 1);
        }
        for (const [name] of some) rmSync(join(sluice.dataDir, 'models', `${name}.gguf`));
        expect((await call(`${sluice.url}/healthz`)).status).toBe(200);
      }
      // Some are damaged where it does no harm, and the others say what they are.
      expect([...seen.keys()].filter((status) => ![200, 400, 500, 503].includes(status))).toEqual([]);
      expect(seen.get(200) ?? 0).toBeGreaterThan(0);
      expect(seen.get(503) ?? 0).toBeGreaterThan(MUTATIONS / 4);
      const { json } = await call<{ response: string }>(`${sluice.url}/local/generate`, { json: { prompt: 'after all of them' } });
      expect(json.response).toBe(REPLY);
    },
    MUTATIONS * 3000,
  );
});

describe('LOCAL_MODEL_PATH', () => {
  test('that leads nowhere is told by health and to whoever asks; everything else works', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    const lost = await startSluice({ env: { LOCAL_MODEL_PATH: join(folder, 'lost.gguf') } });
    try {
      const { status, json } = await call<Failed>(`${lost.url}/local/generate`, { json: { prompt: 'a' } });
      expect([status, json.error.code, json.error.details.reason]).toEqual([503, 'LOCAL_MODEL_UNAVAILABLE', 'its file does not exist']);
      const health = await call<Health>(`${lost.url}/health`);
      expect(health.json).toMatchObject({ status: 'degraded', checks: { local_model: { state: 'failed', message: 'its file does not exist' } } });
      expect((await call<{ model: string }>(`${lost.url}/generate`, { json: { prompt: 'a' } })).json.model).toBe('demo');
    } finally {
      await lost.stop();
      rmSync(folder, { recursive: true });
    }
  });

  test('or LOCAL_MODEL, of a model that is not there, is said so, and a fallback answers for it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    const file = join(folder, 'sluice.config.yaml');
    writeFileSync(file, 'models:\n  mine:\n    targets: [local/nobody]\n    fallbacks: [demo]\n');
    const lost = await startWithModels({ good: GOOD }, { LOCAL_MODEL: 'nobody', SLUICE_CONFIG: file });
    try {
      expect((await call<Failed>(`${lost.url}/local/generate`, { json: { prompt: 'a' } })).json.error.details.reason).toBe('its file does not exist');
      const { json, headers } = await call<{ model: string }>(`${lost.url}/generate`, { json: { prompt: 'a', model: 'mine' } });
      expect([json.model, headers.get('x-upstream-attempts')]).toEqual(['demo', '2']);
    } finally {
      await lost.stop();
      rmSync(folder, { recursive: true });
    }
  });

  test('that is not set is an absent model', async () => {
    const none = await startSluice();
    try {
      expect((await call<Health>(`${none.url}/health`)).json).toMatchObject({ status: 'ok', checks: { local_model: { state: 'absent' } } });
      expect((await call(`${none.url}/readyz`)).json).toEqual({ status: 'ready' });
      expect((await call<Failed>(`${none.url}/local/generate`, { json: { prompt: 'a' } })).json.error.code).toBe('LOCAL_MODEL_UNAVAILABLE');
    } finally {
      await none.stop();
    }
  });
});
