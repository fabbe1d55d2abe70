import { describe, expect, test } from 'bun:test';
import { type Attempt, createLoginThrottle, FAILURES_MAX, networkOf, waitMs, WINDOW_MS } from './login-throttle.ts';

const alice: Attempt = { username: 'alice', address: '192.0.2.1' };

function failTimes(throttle: ReturnType<typeof createLoginThrottle>, attempt: Attempt, times: number, nowMs: number): void {
  for (let index = 0; index < times; index++) expect(throttle.begin(attempt, nowMs).allowed).toBe(true);
}

describe('an account from one address', () => {
  test('has five failures in any minute, and the sixth attempt is told how long to wait', () => {
    const throttle = createLoginThrottle();
    for (let index = 0; index < 5; index++) expect(throttle.begin(alice, index * 1000).allowed).toBe(true);
    expect(throttle.begin(alice, 10_000)).toEqual({ allowed: false, limit: 5, retryAfterMs: 50_000 });
    expect(throttle.look(alice, 59_999)).toMatchObject({ allowed: false, retryAfterMs: 1 });
    expect(throttle.begin(alice, 60_000).allowed).toBe(true);
    expect(throttle.begin(alice, 60_001)).toMatchObject({ allowed: false, retryAfterMs: 999 });
  });

  test('is not held longer by attempts that were refused', () => {
    const throttle = createLoginThrottle();
    failTimes(throttle, alice, 5, 0);
    for (let ms = 1; ms < WINDOW_MS; ms += 1000) expect(throttle.begin(alice, ms).allowed).toBe(false);
    expect(throttle.begin(alice, WINDOW_MS).allowed).toBe(true);
  });

  test('is the same however its name is written', () => {
    const throttle = createLoginThrottle();
    for (const username of ['alice', 'ALICE', 'Alice', 'aLICE', 'ａlice']) expect(throttle.begin({ ...alice, username }, 0).allowed).toBe(true);
    expect(throttle.look(alice, 0).allowed).toBe(false);
  });

  test('starts anew after a success', () => {
    const throttle = createLoginThrottle();
    failTimes(throttle, alice, 4, 0);
    const begun = throttle.begin(alice, 1);
    if (!begun.allowed) throw new Error('the fifth is allowed');
    begun.succeeded(30);
    failTimes(throttle, alice, 5, 40);
    expect(throttle.look(alice, 50).allowed).toBe(false);
  });

  test('counts attempts that are under way, so that none slip through at once', () => {
    const throttle = createLoginThrottle();
    const begun = Array.from({ length: 20 }, () => throttle.begin(alice, 0));
    expect(begun.filter((one) => one.allowed)).toHaveLength(5);
  });
});

describe('the owner of an account', () => {
  test('signs in while somebody guesses from another address', () => {
    const throttle = createLoginThrottle();
    failTimes(throttle, { ...alice, address: '198.51.100.7' }, 5, 0);
    expect(throttle.look({ ...alice, address: '198.51.100.7' }, 1).allowed).toBe(false);
    expect(throttle.look(alice, 1).allowed).toBe(true);
  });

  test('signs in from an address known before, while many machines guess at once and strangers are refused', () => {
    const throttle = createLoginThrottle();
    const begun = throttle.begin(alice, 0);
    if (begun.allowed) begun.succeeded(0);
    for (let index = 0; index < FAILURES_MAX.account; index++) failTimes(throttle, { ...alice, address: `198.51.100.${index}` }, 1, 1000);
    expect(throttle.look({ ...alice, address: '203.0.113.9' }, 1001)).toMatchObject({ allowed: false, limit: FAILURES_MAX.account });
    expect(throttle.look(alice, 1001).allowed).toBe(true);
  });
});

describe('an address', () => {
  test('cannot try one password on many names without end', () => {
    const throttle = createLoginThrottle();
    for (let index = 0; index < FAILURES_MAX.address; index++) failTimes(throttle, { username: `user ${index}`, address: '192.0.2.1' }, 1, 0);
    expect(throttle.begin({ username: 'one more', address: '192.0.2.1' }, 1)).toMatchObject({ allowed: false, limit: FAILURES_MAX.address });
    expect(throttle.begin({ username: 'one more', address: '192.0.2.2' }, 1).allowed).toBe(true);
  });

  test('does not clear its own count by signing in as somebody it knows', () => {
    const throttle = createLoginThrottle();
    for (let index = 0; index < FAILURES_MAX.address; index++) {
      failTimes(throttle, { username: `user ${index}`, address: '192.0.2.1' }, 1, 0);
      const own = throttle.begin({ username: 'own', address: '192.0.2.1' }, 0);
      if (own.allowed) own.succeeded(0);
    }
    expect(throttle.look({ username: 'own', address: '192.0.2.1' }, 1).allowed).toBe(false);
  });

  test('of IPv6 is its network of /64', () => {
    expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(networkOf('2001:0DB8:1:2::1')).toBe('2001:db8:1:2::/64');
    expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0::/64');
    expect(networkOf('::1')).toBe('0:0:0:0::/64');
    expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect(networkOf('192.0.2.1')).toBe('192.0.2.1');
  });
});

test('memory is bounded: what left the window is forgotten, and names cannot be piled up without end', () => {
  const throttle = createLoginThrottle();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 100_000; index++)
    throttle.begin({ username: `user ${index}`, address: `192.0.${(index >> 8) & 255}.${index & 255}` }, index * 10);
  Bun.gc(true);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(40_000_000);
  expect(throttle.look({ username: 'user 99999', address: '192.0.134.159' }, 1_000_000).allowed).toBe(true);
});

test('waitMs is the time until the limit has room', () => {
  expect(waitMs([], 5, 0)).toBe(0);
  expect(waitMs([0, 1, 2], 3, 10)).toBe(59_990);
  expect(waitMs([0, 1, 2], 4, 10)).toBe(0);
  expect(waitMs([0, 1, 2, 3], 3, 60_000)).toBe(1);
  expect(waitMs([0, 1, 2], 3, 60_000)).toBe(0);
});
