import { afterAll, expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { chat, CHAT, jsonl, type Line, request } from './batches/stage.ts';
import { call, type Sluice, signIn, startSluice, until } from './harness.ts';
import { makeDatabase, run, type TestDatabase } from './test-database.ts';

/** The service dies while a batch is taken in, while it runs and while its files are written. */
let database: TestDatabase;
let sluice: Sluice;
const ROWS = 4000;
const LIMIT_MS = 180_000;

afterAll(async () => {
  await sluice.stop();
  await database.drop();
});

/** On what the one before left. Nobody waits for the leases of the dead: their time is over. */
async function startAgain(before?: Sluice): Promise<void> {
  if (before) {
    await before.end('SIGKILL');
    await run(database.urlOf(before), 'update batch_jobs set kept_until = now(); update job_workers set alive_until = now()');
  }
  const env = { ...database.env, JOB_POLL_INTERVAL_S: '0.1', JWT_SECRET: 'grey heron standing in the shallow water' };
  sluice = await startSluice({ env, ...(before ? { dataDir: before.dataDir } : {}) });
}

test(
  'each of its requests stands in one of its files, once, and nothing else is left behind',
  async () => {
    database = await makeDatabase();
    await startAgain();
    const { key } = (await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'kill' }, headers: await signIn(sluice.url) })).json;
    const client = (): OpenAI => new OpenAI({ baseURL: `${sluice.url}/v1`, apiKey: key });
    const lines = Array.from({ length: ROWS }, (_, index) => request(`${index}`, chat('demo', `${index} ${'x'.repeat(2000)}`)));
    const file = await client().files.create({ file: new File([jsonl(lines)], 'kill.jsonl'), purpose: 'batch' });
    const { id } = await client().batches.create({ input_file_id: file.id, endpoint: CHAT, completion_window: '24h' });

    const seen: string[] = [];
    const diedIn = async (isTime: (batch: OpenAI.Batch) => boolean): Promise<void> => {
      let batch = await client().batches.retrieve(id);
      await until(async () => {
        batch = await client().batches.retrieve(id);
        return isTime(batch);
      }, 60_000);
      seen.push(batch.status);
      await startAgain(sluice);
    };
    // At once: while its file is taken in.
    await diedIn(() => true);
    await diedIn(({ status }) => status !== 'validating');
    await diedIn(({ request_counts: counts }) => (counts?.completed ?? 0) > ROWS / 2);
    await diedIn(({ status, request_counts: counts }) => status === 'finalizing' || counts?.completed === ROWS);

    let batch = await client().batches.retrieve(id);
    await until(async () => {
      batch = await client().batches.retrieve(id);
      return batch.status === 'completed';
    }, 60_000);
    expect(seen).toContain('in_progress');
    expect(batch).toMatchObject({ request_counts: { total: ROWS, completed: ROWS, failed: 0 }, error_file_id: null });
    const text = await (await client().files.content(batch.output_file_id ?? '')).text();
    const names = text.split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as Line).custom_id]));
    expect(names).toEqual(Array.from({ length: ROWS }, (_, index) => `${index}`));
    const files = (await Array.fromAsync(client().files.list())).map((each) => each.id);
    expect(files.toSorted()).toEqual([file.id, batch.output_file_id ?? ''].toSorted());
    await everyBlobIsKnown(files);
  },
  LIMIT_MS,
);

/** What a process died over stands in the database as to be removed. */
async function everyBlobIsKnown(files: readonly string[]): Promise<void> {
  const folder = join(sluice.dataDir, 'files');
  const blobs = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()) : [];
  for (const { name } of blobs) {
    const id = name.replace('.part', '');
    if (!files.includes(id))
      await run(
        database.urlOf(sluice),
        `do $$ begin if not exists (select from unkept_blobs where id = '${id}') then raise 'nobody knows of ${id}'; end if; end $$`,
      );
  }
  expect(blobs.map(({ name }) => name)).toEqual(expect.arrayContaining([...files]));
}
