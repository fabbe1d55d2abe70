import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream/server.ts';
import { call, type Sluice, signIn, startSluice, until } from '../harness.ts';
import { makeDatabase, type TestDatabase } from '../test-database.ts';

/** A service with a provider of each kind behind it, and OpenAI's own client before it. */
export type BatchStage = {
  readonly upstream: FakeUpstream;
  readonly sluice: Sluice;
  readonly database: TestDatabase;
  readonly admin: Record<string, string>;
  readonly key: string;
  readonly client: OpenAI;
  /** Of another project. */
  readonly stranger: OpenAI;
  readonly upload: (text: string | File) => Promise<string>;
  readonly create: (text: string | File, endpoint?: Endpoint, more?: object) => Promise<OpenAI.Batch>;
  /** Asks until it is over. */
  readonly over: (batch: { readonly id: string }) => Promise<OpenAI.Batch>;
  readonly linesOf: (fileId: string | null | undefined) => Promise<Line[]>;
  readonly stop: () => Promise<void>;
};

export type Endpoint = OpenAI.BatchCreateParams['endpoint'];
export type Line = {
  readonly id: string;
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly request_id: string; readonly body: Record<string, unknown> } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
};

export const CHAT = '/v1/chat/completions' as const;
export const request = (customId: unknown, body: unknown, url: string = CHAT): object => ({ custom_id: customId, method: 'POST', url, body });
export const chat = (model: string, content: string, more: object = {}): object => ({ model, messages: [{ role: 'user', content }], ...more });
export const jsonl = (lines: readonly object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

const OVER = new Set(['completed', 'failed', 'expired', 'cancelled']);
const OVER_LIMIT_MS = 60_000;

export async function openBatchStage(): Promise<BatchStage> {
  const [upstream, database, folder] = [await startFakeUpstream(), await makeDatabase(), mkdtempSync(join(tmpdir(), 'sluice-batches-'))];
  const sluice = await startService(upstream, database, folder);
  const admin = await signIn(sluice.url);
  const keyIn = async (parts: object): Promise<string> =>
    (await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'batches', ...parts }, headers: admin })).json.key;
  const { json: project } = await call<{ id: string }>(`${sluice.url}/api/v1/projects`, { json: { name: 'Other' }, headers: admin });
  const key = await keyIn({});
  const clientOf = (apiKey: string): OpenAI => new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey, maxRetries: 0 });
  const [client, stranger] = [clientOf(key), clientOf(await keyIn({ project_id: project.id }))];
  const stop = async (): Promise<void> => {
    await sluice.stop();
    await database.drop();
    upstream.stop();
    rmSync(folder, { recursive: true });
  };
  return { upstream, sluice, database, admin, key, client, stranger, stop, ...deeds(client) };
}

function startService(upstream: FakeUpstream, database: TestDatabase, folder: string): Promise<Sluice> {
  const config = join(folder, 'sluice.config.yaml');
  // One that has no batches of its own.
  writeFileSync(config, JSON.stringify({ providers: { house: { base_url: upstream.url, models: ['llama'] } } }));
  return startSluice({
    env: {
      OPENAI_API_KEY: 'sk-upstream-000000000000',
      OPENAI_BASE_URL: upstream.url,
      ANTHROPIC_API_KEY: 'sk-ant-upstream-000000000000',
      ANTHROPIC_BASE_URL: upstream.origin,
      JOB_POLL_INTERVAL_S: '0.2',
      UPSTREAM_MAX_RETRIES: '0',
      SLUICE_CONFIG: config,
      ...database.env,
    },
  });
}

function deeds(client: OpenAI): Pick<BatchStage, 'upload' | 'create' | 'over' | 'linesOf'> {
  const upload: BatchStage['upload'] = async (text) => {
    const file = typeof text === 'string' ? await toFile(Buffer.from(text), 'übungen.jsonl') : text;
    return (await client.files.create({ file, purpose: 'batch' })).id;
  };
  return {
    upload,
    create: async (text, endpoint = CHAT, more = {}) =>
      client.batches.create({ input_file_id: await upload(text), endpoint, completion_window: '24h', ...more }),
    async over({ id }) {
      let batch = await client.batches.retrieve(id);
      await until(async () => {
        batch = await client.batches.retrieve(id);
        return OVER.has(batch.status);
      }, OVER_LIMIT_MS);
      return batch;
    },
    async linesOf(fileId) {
      if (!fileId) return [];
      const text = await (await client.files.content(fileId)).text();
      return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
    },
  };
}

export async function failureOf(asked: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const failure: unknown = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (failure instanceof OpenAI.APIError) return failure;
  throw new Error(`not an APIError: ${String(failure)}`);
}
