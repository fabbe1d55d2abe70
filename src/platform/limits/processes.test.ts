import { afterEach, expect, test } from 'bun:test';
import { join } from 'node:path';
import { bringRedis, type RedisServer, startRedisServer } from '../../../scripts/testing/redis-server.ts';

/** Three real processes on one real Redis, which is left well, killed, stopped and started. */
const WINDOW_MS = 1000;
const LIMIT = 100;
const PATIENT = '5000';

type Call = {
  readonly from: number;
  readonly to: number;
  readonly admitted: boolean;
  readonly again?: true;
  /** How much its process was late meanwhile, whatever it did: what a busy machine adds to each wait. */
  readonly lateMs?: number;
  readonly retryAfterMs: number;
  readonly headers: Readonly<Record<string, string>>;
};
type Line = { readonly event: string; readonly [field: string]: unknown };
type Member = {
  readonly tell: (command: object) => void;
  /** The next line of this kind that nobody has waited for yet. */
  readonly next: (event: string) => Promise<Line>;
  /** All lines of this kind that nobody has waited for. */
  readonly heard: (event: string) => readonly Line[];
  readonly kill: () => void;
};

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function redisServer(port?: number): Promise<RedisServer> {
  const server = await startRedisServer(port);
  ends.push(() => server.stop());
  return server;
}

async function member(url: string, patience: string[]): Promise<Member> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'limiter.test-program.ts'), url, '3', ...patience], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  ends.push(() => child.kill('SIGKILL'));
  const lines: Line[] = [];
  let more = Promise.withResolvers<void>();
  void (async () => {
    let rest = '';
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + piece).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts.map((line) => JSON.parse(line) as Line));
      more.resolve();
      more = Promise.withResolvers();
    }
  })();
  const next = async (event: string): Promise<Line> => {
    for (;;) {
      const at = lines.findIndex((line) => line.event === event);
      const [found] = at < 0 ? [] : lines.splice(at, 1);
      if (found) return found;
      await more.promise;
    }
  };
  await next('ready');
  return {
    next,
    heard: (event) => lines.filter((line) => line.event === event),
    tell: (command) => void child.stdin.write(`${JSON.stringify(command)}\n`),
    kill: () => child.kill('SIGKILL'),
  };
}

async function three(url: string, ...patience: string[]): Promise<readonly Member[]> {
  return Promise.all([1, 2, 3].map(() => member(url, patience)));
}

/** All calls of all members, in the order in which they were over. */
async function load(
  members: readonly Member[],
  each: { readonly calls: number; readonly perSecond: number; readonly obeys?: boolean },
): Promise<readonly Call[]> {
  for (const one of members) one.tell({ do: 'visit', limit: LIMIT, windowMs: WINDOW_MS, obeys: false, ...each });
  const told = await Promise.all(members.map((one) => one.next('visited')));
  return told.flatMap((line) => line['calls'] as Call[]).toSorted((a, b) => a.to - b.to);
}

/**
 * The most that were surely admitted within one window of those that `counts` wants to know of. A call was counted at some moment between its beginning
 * and its end, so that only those count of which both lie within.
 */
function fullest(calls: readonly Call[], counts: (windowFrom: number) => boolean = () => true): number {
  const admitted = calls.filter((call) => call.admitted);
  const within = (start: number): number => admitted.filter((call) => call.from >= start && call.to < start + WINDOW_MS).length;
  return Math.max(0, ...admitted.filter((call) => counts(call.from)).map((call) => within(call.from)));
}

/** At most the limit in each window, and half as much again in those in which a process lost Redis; a busy machine may do that too. */
function expectWithinLimit(calls: readonly Call[], members: readonly Member[]): void {
  const losses = members.flatMap((one) => one.heard('log')).filter((line) => String(line['message']).startsWith('Redis is away'));
  const changesOver = (from: number): boolean => losses.some((line) => Math.abs(Number(line['at']) - from) <= WINDOW_MS);
  expect(fullest(calls, (from) => !changesOver(from))).toBeLessThanOrEqual(LIMIT);
  expect(fullest(calls, changesOver)).toBeLessThanOrEqual(1.5 * LIMIT);
}

/** Of the time that a call waited. */
function p99(calls: readonly Call[]): number {
  const waits = calls.map((call) => call.to - call.from - (call.lateMs ?? 0)).toSorted((a, b) => a - b);
  return waits[Math.ceil(waits.length * 0.99) - 1] ?? 0;
}

async function enter(one: Member | undefined): Promise<unknown> {
  one?.tell({ do: 'enter', maxParallel: 3 });
  return (await one?.next('entered'))?.['admitted'];
}

if (await bringRedis()) {
  test('three processes that are asked 5,000 times admit no more than the limit in any window, and not much less', async () => {
    const members = await three((await redisServer()).url, PATIENT);
    const calls = await load(members, { calls: 1667, perSecond: 300 });
    expect(calls.length).toBe(5001);
    expect(fullest(calls)).toBeLessThanOrEqual(LIMIT);
    const windows = Math.floor(((calls.at(-1)?.to ?? 0) - (calls[0]?.from ?? 0)) / (WINDOW_MS * (61 / 60)));
    expect(calls.filter((call) => call.admitted).length).toBeGreaterThanOrEqual(0.6 * windows * LIMIT);
  }, 60_000);

  test('what the headers say is true, and whoever waits as long as it is told is admitted at once', async () => {
    const members = await three((await redisServer()).url, PATIENT);
    const calls = await load(members, { calls: 60, perSecond: 120, obeys: true });
    for (const { headers } of calls) {
      expect(headers['ratelimit-policy']).toBe(`"thing";q=${LIMIT};w=1`);
      expect(headers['ratelimit']).toMatch(/^"thing";r=\d+;t=[01]$/);
      expect(headers['x-ratelimit-limit']).toBe('100');
    }
    const first = calls
      .filter((call) => call.admitted && !call.again)
      .toSorted((a, b) => Number(b.headers['x-ratelimit-remaining']) - Number(a.headers['x-ratelimit-remaining']));
    expect(first.map((call) => Number(call.headers['x-ratelimit-remaining']))).toEqual(Array.from({ length: LIMIT }, (_, nth) => LIMIT - 1 - nth));
    const again = calls.filter((call) => call.again);
    expect(again.length).toBe(80);
    expect(again.filter((call) => call.admitted).length / again.length).toBeGreaterThanOrEqual(0.99);
    expect(fullest(calls)).toBeLessThanOrEqual(LIMIT);
  }, 60_000);

  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'with Redis gone by %s each goes on with its share: no burst, no standstill, and nobody waits',
    async (signal) => {
      const server = await redisServer();
      const members = await three(server.url);
      // At first one of them has everything, so that the others know nothing of it.
      const loading = load(members.slice(0, 1), { calls: 2300, perSecond: 300 });
      await Bun.sleep(1.75 * WINDOW_MS);
      const goneAt = performance.timeOrigin + performance.now();
      server.signal(signal);
      const others = load(members.slice(1), { calls: 1800, perSecond: 300 });
      const calls = [...(await loading), ...(await others)];
      for (const one of members) expect(one.heard('log').at(-1)?.['message']).toStartWith('Redis is away');
      expectWithinLimit(calls, members);
      // 33 each, in each window that is a share's.
      const late = calls.filter((call) => call.admitted && call.from > goneAt + 1.1 * WINDOW_MS);
      expect(late.length).toBeGreaterThanOrEqual(99 * 2);
      expect(p99(calls.filter((call) => call.from > goneAt - 100))).toBeLessThanOrEqual(50);
    },
    60_000,
  );

  test('the calls at once of a process that was killed are free within 15 seconds, those of another stay taken', async () => {
    const [dying, living, asking] = await three((await redisServer()).url, PATIENT);
    expect([await enter(dying), await enter(dying), await enter(living), await enter(asking)]).toEqual([true, true, true, false]);
    dying?.kill();
    const killedAt = performance.now();
    while (!(await enter(asking))) await Bun.sleep(100);
    expect(performance.now() - killedAt).toBeLessThan(15_000);
    expect([await enter(asking), await enter(asking)]).toEqual([true, false]);
    living?.tell({ do: 'leave' });
    await Bun.sleep(200);
    expect(await enter(asking)).toBe(true);
  }, 60_000);
}
