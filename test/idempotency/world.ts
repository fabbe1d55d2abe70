import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream/server.ts';
import { type Answered, call, type Sluice, startSluice, until } from '../harness.ts';
import { makeDatabase } from '../test-database.ts';

/** One provider, one database, and processes that come and go. */
export type World = {
  readonly upstream: FakeUpstream;
  readonly start: (env?: Record<string, string>) => Promise<Sluice>;
  /** Rows of the database that this process uses. */
  readonly query: <Row extends object>(sluice: Sluice, statement: string) => Promise<Row[]>;
  readonly databaseUrl: (sluice: Sluice) => string;
  readonly stop: () => Promise<void>;
};

/** Streams have pieces enough to be left or killed in the middle. */
const PIECES = 20;

export async function openWorld(): Promise<World> {
  const [upstream, database] = [await startFakeUpstream(), await makeDatabase()];
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-idempotency-'));
  const env = {
    ...database.env,
    OPENAI_API_KEY: 'sk-upstream-000000000000',
    OPENAI_BASE_URL: upstream.url,
    UPSTREAM_MAX_RETRIES: '0',
    JWT_SECRET: 'quiet river stone lantern on the hill',
    // Callers without a sign-in are told apart by their address.
    TRUST_PROXY: 'loopback',
  };
  return {
    upstream,
    start: (more = {}) => startSluice({ dataDir, env: { ...env, ...more } }),
    databaseUrl: database.urlOf,
    async query<Row extends object>(sluice: Sluice, statement: string) {
      const client = new pg.Client({ connectionString: database.urlOf(sluice) });
      await client.connect();
      try {
        return (await client.query<Row>(statement)).rows;
      } finally {
        await client.end();
      }
    },
    async stop() {
      await database.drop();
      upstream.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export function script(upstream: FakeUpstream, delayMs = 0): void {
  upstream.script([
    { match: { stream: true }, echo: true, chunks: PIECES, chunkDelayMs: 3, delayMs },
    { echo: true, delayMs },
  ]);
}

export type Asking = { readonly key: string; readonly prompt: string; readonly stream?: boolean; readonly headers?: Record<string, string> };

/** A cache and calls that are shared would hide a second call: both are left out. */
export function ask(sluice: Pick<Sluice, 'url'>, { key, prompt, stream = false, headers = {} }: Asking, signal?: AbortSignal): Promise<Answered<Said>> {
  return call(`${sluice.url}/generate?stream=${stream}`, {
    json: { prompt, max_tokens: 100 },
    headers: { 'idempotency-key': key, 'cache-control': 'no-store', ...headers },
    ...(signal ? { signal } : {}),
  });
}

export type Said = { readonly response: string; readonly error?: { readonly code: string; readonly field: string | null } };

/** As an SDK does: again after each conflict that passes. */
export async function askUntilTold(sluice: Pick<Sluice, 'url'>, asking: Asking): Promise<Answered<Said>> {
  let answer = await ask(sluice, asking);
  await until(async () => {
    if (answer.status !== 409) return true;
    answer = await ask(sluice, asking);
    return false;
  });
  return answer;
}

type Charge = { readonly key: string; readonly charged: string };

/** How many calls the ledger charges for each key, those aside that were given up for lost. Waits for the rows that are on their way. */
export async function chargesOf(world: World, sluice: Sluice, keys: readonly string[]): Promise<Map<string, number>> {
  const charges = new Map<string, number>();
  await until(async () => {
    const rows = await world.query<Charge>(
      sluice,
      `select k.key, count(l.id) filter (where l.cost_nano_usd > 0 and l.outcome <> 'lost') as charged
      from idempotency_keys k left join ledger l on l.root_id = k.root_id group by k.key`,
    );
    for (const { key, charged } of rows) if (keys.includes(key)) charges.set(key, Number(charged));
    return keys.every((key) => (charges.get(key) ?? 0) > 0);
    // What did not come is for the test to tell.
  }).catch(() => undefined);
  return charges;
}
