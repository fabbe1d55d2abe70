import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { ANONYMOUS } from '../../contract/policy.ts';
import { apiKeyOf } from '../../core/api-key.ts';
import { createLoginThrottle } from '../../core/login-throttle.ts';
import { idMaker } from '../../platform/ids.ts';
import { createAudit } from '../../platform/postgres/audit.ts';
import { openSecrets } from '../../platform/secrets.ts';
import { type IdentifyWorld, openIdentifyWorld } from './identify-world.test.ts';
import { logIn } from './log-in.ts';

/** Time tells nobody how near a guess was. The test is dudect's: Welch's t over samples taken in turns, the slowest left out. */
const T_MAX = 4.5;
const KEPT = 0.8;
/** What else the machine does can look like a difference once; a real one is there each time. */
const ROUNDS = 3;

let world: IdentifyWorld;
beforeAll(async () => {
  world = await openIdentifyWorld();
}, 60_000);
afterAll(() => world.close(), 20_000);
beforeEach(() => world.begin());

type Samples = readonly [number[], number[]];

async function sample(count: number, ask: (side: 0 | 1, nth: number) => Promise<unknown>): Promise<Samples> {
  const samples: Samples = [[], []];
  for (let nth = 0; nth < count; nth++) {
    const first = Math.random() < 0.5 ? 0 : 1;
    for (const side of [first, 1 - first] as (0 | 1)[]) {
      const beganAt = performance.now();
      await ask(side, nth);
      samples[side].push(performance.now() - beganAt);
    }
  }
  return samples;
}

/** One limit for both, so that leaving out cannot make a difference or hide one. */
function trimmed([a, b]: Samples): Samples {
  const all = [...a, ...b].toSorted((x, y) => x - y);
  const limit = all[Math.floor(all.length * KEPT)] ?? 0;
  return [a.filter((ms) => ms <= limit), b.filter((ms) => ms <= limit)];
}

function welch([a, b]: Samples): number {
  return (mean(a) - mean(b)) / Math.hypot(standardError(a), standardError(b));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function standardError(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1) / values.length);
}

/** |t|, the smallest of all rounds. */
async function leastDifference(count: number, ask: (side: 0 | 1, nth: number) => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && least >= T_MAX; round++) least = Math.min(least, Math.abs(welch(trimmed(await sample(count, ask)))));
  return least;
}

test('a key that begins like one that there is takes as long to refuse as any other', async () => {
  const [bytes, key] = await keyOfBytes();
  expect(await world.identify.caller(null, key)).toMatchObject({ kind: 'key' });
  const guess = (side: 0 | 1): string => {
    const guessed = crypto.getRandomValues(new Uint8Array(32));
    if (side === 0) guessed.set(bytes.subarray(0, 24));
    return apiKeyOf(guessed);
  };
  expect(guess(0).slice(0, 40)).toBe(key.slice(0, 40));
  const t = await leastDifference(1500, async (side) => {
    const guessed = guess(side);
    await Promise.resolve(world.identify.caller(null, guessed)).catch(() => null);
  });
  expect(t).toBeLessThan(T_MAX);
}, 120_000);

test('a difference that there is would be seen: a key that nobody made is refused without the database', async () => {
  const t = await leastDifference(100, async (side) => {
    const guessed = apiKeyOf(crypto.getRandomValues(new Uint8Array(32)));
    const asked = async (): Promise<unknown> => world.identify.caller(null, side === 0 ? guessed : `${guessed.slice(0, -1)}!`);
    await asked().catch(() => null);
  });
  expect(t).toBeGreaterThan(T_MAX);
});

async function keyOfBytes(): Promise<readonly [Uint8Array, string]> {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const key = apiKeyOf(bytes);
  await world.addKey({ id: 'key_1' });
  const { secrets } = world;
  await world.db
    .insertInto('api_key_secrets')
    .values({ hash: secrets.keyHash(key), key_id: 'key_1', expires_at: null })
    .execute();
  return [bytes, key];
}

test('a name that there is takes as long to refuse as one that there is not', async () => {
  const real = await openSecrets({ dataDir: '', jwtSecret: 'the secret of these tests, and of nothing else', environment: 'development' });
  await world.db
    .updateTable('users')
    .set({ password_hash: await real.hashPassword('right') })
    .execute();
  const newId = idMaker(Date.now);
  const needs = { db: world.db, inProject: world.inProject, audit: createAudit({ clock: world.clock, newId }), clock: world.clock, newId };
  const t = await leastDifference(60, async (side, nth) => {
    // Nobody has failed before: how guessing is slowed is another matter.
    const app = { ...needs, secrets: { ...real, loginThrottle: createLoginThrottle() } };
    const body = { username: side === 0 ? 'alice' : `nobody ${nth}`, password: 'wrong' };
    const call = { body, principal: ANONYMOUS, requestId: 'req_1', address: '192.0.2.1', signal: new AbortController().signal, logFields: {} };
    await logIn(app, call).catch(() => null);
  });
  expect(t).toBeLessThan(T_MAX);
}, 180_000);
