import { afterEach, expect, test } from 'bun:test';
import { bringRedis, type RedisServer, startRedisServer } from '../../scripts/testing/redis-server.ts';
import { systemClock } from './clock.ts';
import { openRedis, type Redis } from './redis.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function server(port?: number): Promise<RedisServer> {
  const started = await startRedisServer(port);
  ends.push(() => started.stop());
  return started;
}

async function open(url: string): Promise<Redis> {
  const redis = await openRedis({ url, clock: systemClock });
  ends.push(() => redis.close());
  return redis;
}

/** How long until it comes about. */
async function until(condition: () => boolean): Promise<number> {
  const beganAt = performance.now();
  while (!condition()) {
    if (performance.now() - beganAt > 10_000) throw new Error(`it did not come about: ${String(condition)}`);
    await Bun.sleep(10);
  }
  return performance.now() - beganAt;
}

test('a Redis that nobody serves is known to be away, and nothing waits for it', async () => {
  const redis = await open('redis://127.0.0.1:1');
  expect([redis.isUp(), redis.trouble()]).toEqual([false, 'nobody answers there in time, or the password is refused']);
  const refused = redis.send('PING', []).catch((cause: unknown) => cause);
  expect(await Promise.race([refused, new Promise((resolve) => setImmediate(resolve))])).toEqual(new Error('Redis is away'));
});

if (await bringRedis()) {
  test('one that is killed is away at once, and found again when it is back', async () => {
    const first = await server();
    const redis = await open(first.url);
    const changes: boolean[] = [];
    redis.onChange((isUp) => void changes.push(isUp));
    expect([redis.isUp(), redis.trouble(), await redis.send('PING', [])]).toEqual([true, null, 'PONG']);
    await first.stop();
    await until(() => !redis.isUp());
    expect(redis.trouble()).not.toBeNull();
    await server(first.port);
    expect(await until(() => redis.isUp())).toBeLessThan(2500);
    expect([changes, await redis.send('PING', [])]).toEqual([[false, true], 'PONG']);
  }, 20_000);

  test('one that keeps silent is away for all who wait, and is taken back when it speaks', async () => {
    const silent = await server();
    const redis = await open(silent.url);
    silent.signal('SIGSTOP');
    const outcomes = await Promise.allSettled([redis.send('PING', []), redis.send('PING', [])]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(redis.trouble()).toBe('no answer within 40 ms');
    await Bun.sleep(1500);
    expect(redis.isUp()).toBe(false);
    silent.signal('SIGCONT');
    await until(() => redis.isUp());
  }, 20_000);

  test('a script that it does not know is no sign that it is away, a refusal is', async () => {
    const redis = await open((await server()).url);
    expect(redis.send('EVALSHA', ['0'.repeat(40), '0'])).rejects.toThrow('NOSCRIPT');
    expect(redis.isUp()).toBe(true);
    expect(redis.send('GET', [])).rejects.toThrow('wrong number of arguments');
    await until(() => !redis.isUp());
    expect(redis.trouble()).toContain('wrong number of arguments');
  });

  test('one that does not take the password is away', async () => {
    const { url } = await server();
    const redis = await open(url.replace('//', '//user:wrong@'));
    expect([redis.isUp(), redis.trouble()]).toEqual([false, 'nobody answers there in time, or the password is refused']);
  });
}
