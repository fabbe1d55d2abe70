import { RedisClient } from 'bun';
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { bringRedis, type RedisServer, startRedisServer } from '../../../scripts/testing/redis-server.ts';
import { type Limit, type Verdict, weightOf } from '../../core/limits.ts';
import { createLocalLimits } from './local-limits.ts';
import { type Parcel, parcelWords, readVerdicts } from './parcel.ts';

let server: RedisServer;
let redis: RedisClient;
/** With a clock that the test moves: the last key is the time. */
const SCRIPT = readFileSync(new URL('limits.lua', import.meta.url), 'utf8').replace("redis.call('TIME')", '{ 0, tonumber(KEYS[#KEYS]) * 1000 }');

async function run(process: string, nowMs: number, parcel: Partial<Parcel>): Promise<readonly Verdict[]> {
  const whole: Parcel = { takings: [], settlements: [], held: new Map(), ...parcel };
  const [count, ...words] = parcelWords(process, whole);
  const keys = words.splice(0, Number(count));
  return readVerdicts(whole, await redis.send('EVAL', [SCRIPT, String(keys.length + 1), ...keys, String(nowMs), ...words]));
}

async function ask(process: string, nowMs: number, [limits, tokens]: readonly [readonly Limit[], number]): Promise<Verdict | undefined> {
  const [verdict] = await run(process, nowMs, { takings: [{ limits, tokens, tell: () => undefined }] });
  return verdict;
}

function limit(kind: Limit['kind'], max: number, windowMs = 6000): Limit {
  return { key: `${kind} ${max} ${crypto.randomUUID()}`, kind, scope: 'key', name: kind, words: '', max, windowMs: kind === 'parallel' ? 0 : windowMs };
}

const steps = fc.array(
  fc.record({
    gap: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 0, max: 400 }) }, { weight: 1, arbitrary: fc.constantFrom(-3_600_000, -50, 7000, 3_600_000) }),
    tokens: fc.integer({ min: 1, max: 40 }),
    used: fc.option(fc.integer({ min: 0, max: 50 })),
  }),
  { maxLength: 150, size: 'max' },
);

if (await bringRedis()) {
  beforeAll(async () => {
    server = await startRedisServer();
    redis = new RedisClient(server.url);
  });
  afterAll(async () => {
    redis.close();
    await server.stop();
  });

  test('Redis decides as a process by itself does, whatever comes and whatever its clock does', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (asked) => {
        const [requests, counted, atOnce] = [limit('requests', 12), limit('tokens', 100), limit('parallel', 5)] as const;
        const limits = [requests, counted, atOnce];
        let nowMs = 1.8e12;
        const local = createLocalLimits({ monotonic: () => nowMs });
        for (const { gap, tokens, used } of asked) {
          nowMs += gap;
          const held = new Map([[atOnce.key, local.running.get(atOnce.key) ?? 0]]);
          const here = local.take(limits, tokens, ({ max }) => max);
          const [there] = await run('proc_1', nowMs, { held, takings: [{ limits, tokens, tell: () => undefined }] });
          expect({ refusedBy: there?.refusedBy?.kind, standings: there?.standings, retryAfterMs: there?.retryAfterMs }).toEqual({
            refusedBy: here.refusedBy?.kind,
            standings: here.standings.map(({ remaining, resetMs }) => ({ remaining, resetMs: Math.ceil(resetMs) })),
            retryAfterMs: Math.ceil(here.retryAfterMs),
          });
          if (here.refusedBy !== null || used === null) continue;
          local.leave(limits, here.taken, used);
          await run('proc_1', nowMs, { settlements: [{ limit: counted, atMs: nowMs, change: used - weightOf(counted, tokens, counted.max) }] });
        }
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  test('calls of one parcel count for each other', async () => {
    const limits = [limit('requests', 3), limit('parallel', 2)];
    const taking = { limits, tokens: 0, tell: () => undefined };
    const verdicts = await run('proc_1', 1000, { takings: [taking, taking, taking] });
    expect(verdicts.map(({ refusedBy }) => refusedBy?.kind)).toEqual([undefined, undefined, 'parallel']);
    expect(verdicts.map(({ standings }) => standings[0]?.remaining)).toEqual([2, 1, 1]);
  });

  test('the calls of a process that says nothing more are gone within 15 seconds, and those of one that does stay', async () => {
    const limits = [limit('parallel', 3)];
    const key = limits[0]?.key ?? '';
    for (const process of ['dead', 'dead', 'alive']) await ask(process, 0, [limits, 0]);
    expect((await ask('other', 4000, [limits, 0]))?.refusedBy).not.toBeNull();
    await run('alive', 8000, { held: new Map([[key, 1]]) });
    expect((await ask('other', 11_000, [limits, 0]))?.refusedBy).not.toBeNull();
    expect((await ask('other', 12_100, [limits, 0]))?.standings).toEqual([{ remaining: 1, resetMs: 1000 }]);
  });

  test('a count from a future that the clock was set back from counts no longer', async () => {
    const limits = [limit('parallel', 1)];
    await ask('dead', 3_600_000, [limits, 0]);
    expect((await ask('other', 0, [limits, 0]))?.refusedBy).toBeNull();
  });

  test('nothing is left in Redis when its window is over', async () => {
    const limits = [limit('requests', 3, 100), limit('parallel', 2)];
    const [verdict] = await run('proc_1', Date.now(), { takings: [{ limits, tokens: 0, tell: () => undefined }] });
    expect(verdict?.refusedBy).toBeNull();
    const left = await Promise.all(limits.map(({ key }) => redis.pttl(`{sluice-limits}:${key}`)));
    expect(left[0]).toBeWithin(1, 105);
    expect(left[1]).toBeWithin(1, 60_001);
  });
}
