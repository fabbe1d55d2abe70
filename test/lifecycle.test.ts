import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, parseEvents, type Sluice, signIn, startSluice, until } from './harness.ts';

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(() => upstream.stop());

const slow = { match: { prompt: 'slowly' }, chunks: 10, text: 'a b c d e f g h i j', chunkDelayMs: 60 };
const keyed = (): Record<string, string> => ({ OPENAI_API_KEY: 'sk-upstream-canary-000000', OPENAI_BASE_URL: upstream.url });

/** Less than any grace, and than what is left of the answer in flight. */
const AT_ONCE_MS = 1000;

/** A streamed answer of which the first piece is here; `toEnd` reads the rest, however it ends. */
async function openStream(sluice: Sluice, body: object): Promise<{ readonly toEnd: () => Promise<string> }> {
  const response = await fetch(`${sluice.url}/generate?stream=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (): Promise<boolean> => {
    const { done, value } = (await reader?.read().catch(() => null)) ?? { done: true, value: undefined };
    text += value ?? '';
    return !done;
  };
  while (!text.includes('\n\n') && (await next()));
  return {
    async toEnd() {
      while (await next());
      return text;
    },
  };
}

describe('told to stop', () => {
  test('it takes no new work, finishes what is in flight, and ends with 0', async () => {
    const sluice = await startSluice({ env: keyed() });
    upstream.script(slow);
    const streaming = call(`${sluice.url}/generate?stream=true`, { json: { prompt: 'slowly one' } });
    await until(() => upstream.counts().active > 0);
    const ending = sluice.end();
    await until(() => sluice.logs().some((line) => line.message === 'draining'));
    expect((await call(`${sluice.url}/readyz`)).status).toBe(503);
    const late = await call<{ error: { code: string } }>(`${sluice.url}/generate`, { json: { prompt: 'too late' } });
    expect([late.status, late.json.error.code, late.headers.get('retry-after')] as unknown[]).toEqual([503, 'SERVICE_UNAVAILABLE', '1']);
    expect(parseEvents((await streaming).text).at(-1)?.event).toBe('done');
    expect(await ending).toBe(0);
    await sluice.stop();
  });

  test('a stream that outlasts the grace ends with an error event', async () => {
    const sluice = await startSluice({ env: { ...keyed(), SHUTDOWN_GRACE_S: '0.1' } });
    upstream.script({ match: { prompt: 'for ever' }, chunks: ['a', 'b'], stallAfter: 1 });
    const streaming = await openStream(sluice, { prompt: 'for ever' });
    expect(await sluice.end()).toBe(0);
    const last = parseEvents(await streaming.toEnd()).at(-1);
    expect(last?.event).toBe('error');
    expect(JSON.parse(last?.data ?? '')).toMatchObject({ error: { code: 'SERVICE_UNAVAILABLE' } });
    await sluice.stop();
  });

  test('a second Ctrl-C ends it at once with 130, and the next start is clean', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    const sluice = await startSluice({ dataDir });
    const streaming = await openStream(sluice, { prompt: 'Say hello to everybody in the house', model: 'demo-slow' });
    const ending = sluice.end('SIGINT');
    await until(() => sluice.logs().some((line) => line.message === 'draining'));
    const toldAgainAt = performance.now();
    expect(await sluice.end('SIGINT')).toBe(130);
    expect(performance.now() - toldAgainAt).toBeLessThan(AT_ONCE_MS);
    expect([await ending, sluice.killedBy()]).toEqual([130, null]);
    expect(sluice.logs().map((line) => line.message)).not.toContain('stopped');
    expect(parseEvents(await streaming.toEnd()).map(({ event }) => event)).not.toContain('done');
    // It also stops the database that was left running.
    const next = await startSluice({ dataDir });
    expect((await call(`${next.url}/readyz`)).status).toBe(200);
    await next.stop();
    await sluice.stop();
  });
});

test('a kill -9 loses no user and no password, and the next start is there within seconds', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const first = await startSluice({ dataDir, env: { ADMIN_PASSWORD: '' } });
  const made = String(first.logs().find((line) => line.message === 'ready')?.['first_user']);
  const [username, password] = made.split(' / ');
  expect((await call(`${first.url}/auth/login`, { json: { username, password } })).status).toBe(200);
  await first.end('SIGKILL');
  if (process.env['SLUICE_TEST_DATABASE_URL']) {
    // Each start has a database of its own there, so there is nothing to find again.
    await first.stop();
    return;
  }
  const second = await startSluice({ dataDir, env: { ADMIN_PASSWORD: '' } });
  expect(second.logs().find((line) => line.message === 'ready')?.['first_user']).toBeUndefined();
  expect((await call(`${second.url}/auth/login`, { json: { username, password } })).status).toBe(200);
  await second.stop();
});

test('a port that is taken is named, with who has it and what to do', async () => {
  const taken = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => undefined } });
  const failure = await startSluice({ env: { API_PORT: String(taken.port) } }).catch(String);
  taken.stop(true);
  expect(failure).toContain('ended with 1');
  expect(failure).toContain(`Port ${taken.port} on 127.0.0.1 is taken`);
  expect(failure).toContain(`API_PORT=${taken.port + 1}`);
});

describe('in production', () => {
  const cases: [string, Record<string, string>, string][] = [
    ['no JWT_SECRET', {}, 'JWT_SECRET'],
    ['a short JWT_SECRET', { JWT_SECRET: 'short' }, 'JWT_SECRET'],
    ['a sample password', { JWT_SECRET: 'k'.repeat(8) + 'quiet river stone lantern', ADMIN_PASSWORD: '1234' }, 'ADMIN_PASSWORD'],
  ];
  test.each(cases)('%s is refused by name', async (...[, env, variable]) => {
    const failure = await startSluice({ env: { ENV: 'production', ...env } }).catch(String);
    expect(failure).toContain('ended with 1');
    expect(failure).toContain(variable);
  });

  test('nobody asks without a sign-in, and no page of another origin does', async () => {
    const sluice = await startSluice({ env: { ENV: 'production', JWT_SECRET: 'quiet river stone lantern on the hill' } });
    const { status, headers } = await call(`${sluice.url}/generate`, { json: { prompt: 'hi' }, headers: { origin: 'https://elsewhere.example' } });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([401, null]);
    expect((await call(`${sluice.url}/generate`, { json: { prompt: 'hi' }, headers: await signIn(sluice.url) })).status).toBe(200);
    await sluice.stop();
  });
});

describe('the configuration file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
  const file = join(folder, 'sluice.yaml');
  let sluice: Sluice;
  const ask = (model: string) => call<{ model: string }>(`${sluice.url}/generate`, { json: { prompt: `for ${model} ${Math.random()}`, model } });

  beforeAll(async () => {
    writeFileSync(file, 'models:\n  fast: { targets: [demo] }\n');
    sluice = await startSluice({ env: { SLUICE_CONFIG: file } });
  });
  afterAll(async () => {
    await sluice.stop();
    rmSync(folder, { recursive: true });
  });

  test('counts anew when it has changed', async () => {
    expect([(await ask('fast')).status, (await ask('other')).status]).toEqual([200, 404]);
    writeFileSync(file, 'models:\n  other: { targets: [demo] }\n');
    await until(async () => (await ask('other')).status === 200);
    expect((await ask('fast')).status).toBe(404);
  });

  test('a bad one is refused with its line, and the one before stays', async () => {
    writeFileSync(file, 'models:\n  broken: { targets: [nowhere] }\n');
    await until(() => sluice.logs().some((line) => line.level === 'error' && JSON.stringify(line['problems']).includes('nowhere')));
    writeFileSync(file, 'models:\n  broken: { targets: 5 }\n');
    await until(() => sluice.logs().some((line) => line.level === 'error' && JSON.stringify(line['problems']).includes(':2:')));
    expect((await ask('other')).status).toBe(200);
  });
});

test('the log holds a line a request with what it cost, and neither secrets nor prompts', async () => {
  const sluice = await startSluice({ env: keyed() });
  upstream.script([
    { match: { prompt: 'canary-refused' }, status: 401, body: { error: { message: 'bad key sk-upstream-canary-000000', type: 'x', param: null, code: null } } },
  ]);
  const user = await signIn(sluice.url);
  await call(`${sluice.url}/generate`, { json: { prompt: 'canary-prompt' }, headers: { ...user, 'x-request-id': 'with-cost' } });
  await call(`${sluice.url}/generate`, { json: { prompt: 'canary-refused' } });
  await call(`${sluice.url}/generate`, { json: { prompt: 'canary-model', model: 'canary' } });
  await call(`${sluice.url}/generate`, { json: { prompt: '' }, headers: { authorization: 'Bearer canary-token' } });
  await call(`${sluice.url}/auth/login`, { json: { username: 'admin', password: 'canary-password' } });
  await sluice.end();
  const line = sluice.logs().find((one) => one['request_id'] === 'with-cost');
  expect(line).toMatchObject({ message: 'request', status: 200, provider: 'openai', model: 'gpt-4o-mini', attempts: 1, cache: 'MISS' });
  expect(Number(line?.['cost_usd'])).toBeGreaterThan(0);
  expect(JSON.stringify(sluice.logs()) + sluice.stderr()).not.toContain('canary');
  await sluice.stop();
});
