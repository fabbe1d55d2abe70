import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { ADMIN, call, signIn, type Sluice, startSluice, until } from './harness.ts';
import { ask, askUntilTold, chargesOf, openWorld, script, type World } from './idempotency/world.ts';
import { openGate } from './test-database.ts';

/** One key, one upstream call, one charge, equal bytes: whoever asks how often, at whichever process, and whatever is restarted. */
const CALLERS = 200;
const START_LIMIT_MS = 30_000;

let world: World;
let sluice: Sluice;

beforeAll(async () => {
  world = await openWorld();
  sluice = await world.start();
}, START_LIMIT_MS);
afterAll(async () => {
  await sluice.stop();
  await world.stop();
});
beforeEach(() => {
  world.upstream.reset();
  script(world.upstream);
});

const address = (nth: number): Record<string, string> => ({ 'x-forwarded-for': `10.0.${nth >> 8}.${nth & 255}` });

describe(`${CALLERS} requests at once with one key`, () => {
  for (const stream of [false, true]) {
    test(`are one upstream call, one charge, and equal bytes for all (${stream ? 'streamed' : 'whole'})`, async () => {
      script(world.upstream, 300);
      const asking = { key: `at once ${stream}`, prompt: `at once ${stream}`, stream };
      const first = await Promise.all(Array.from({ length: CALLERS }, () => ask(sluice, asking)));
      const [told, ...more] = first.filter(({ headers }) => !headers.has('idempotency-replayed') && !headers.has('retry-after'));
      const refused = first.filter(({ status }) => status === 409);
      expect([told?.status, more.length]).toEqual([200, 0]);
      // A machine that is slow enough has the answer before the last of them has come.
      expect(refused.length).toBeGreaterThan(CALLERS / 2);
      for (const { json, headers } of refused) {
        expect(json.error?.code).toBe('CONFLICT');
        expect(headers.get('retry-after')).toBe('1');
        expect(Number(headers.get('retry-after-ms'))).toBeLessThanOrEqual(1000);
        expect(headers.get('x-should-retry')).toBe('true');
      }
      const again = await Promise.all(Array.from({ length: CALLERS }, () => askUntilTold(sluice, asking)));
      expect(new Set(again.map(({ text }) => text))).toEqual(new Set([told?.text ?? '']));
      expect(again.every(({ status, headers }) => status === 200 && headers.get('idempotency-replayed') === 'true')).toBe(true);
      expect(world.upstream.calls().length).toBe(1);
      expect(await chargesOf(world, sluice, [asking.key])).toEqual(new Map([[asking.key, 1]]));
    });
  }
});

describe('a key', () => {
  test('is another one for each of 50 callers', async () => {
    const callers = Array.from({ length: 50 }, (_, nth) => ({ key: 'shared', prompt: `for ${nth}`, headers: address(nth) }));
    callers.push({ key: 'shared', prompt: 'for the admin', headers: await signIn(sluice.url) });
    const first = await Promise.all(callers.map((asking) => ask(sluice, asking)));
    const again = await Promise.all(callers.map((asking) => ask(sluice, asking)));
    for (const [nth, { prompt }] of callers.entries()) {
      expect(first[nth]?.json.response).toBe(prompt);
      expect(again[nth]?.text).toBe(first[nth]?.text ?? '');
    }
    expect(world.upstream.calls().length).toBe(callers.length);
  });

  test('says with a replay what the first answer said, and whose request it is', async () => {
    const asking = { key: 'headers', prompt: 'headers' };
    const first = await ask(sluice, asking);
    const again = await ask(sluice, { ...asking, key: '"headers"', headers: { 'x-request-id': 'my-second' } });
    expect(again.text).toBe(first.text);
    for (const name of ['content-type', 'content-length', 'x-cache', 'x-model', 'x-provider', 'x-cost-usd', 'x-upstream-attempts'])
      expect([name, again.headers.get(name)]).toEqual([name, first.headers.get(name)]);
    expect(again.headers.get('x-request-id')).toBe('my-second');
    expect(again.headers.has('server-timing')).toBe(false);
    await until(() => sluice.logs().some((line) => line['request_id'] === 'my-second' && line['idempotency'] === 'replayed'));
  });

  test('with another body or query is 422, and of 256 characters too, without a word to the provider', async () => {
    await ask(sluice, { key: 'body', prompt: 'one' });
    const wrong = [
      ask(sluice, { key: 'body', prompt: 'two' }),
      ask(sluice, { key: 'body', prompt: 'one', stream: true }),
      ask(sluice, { key: 'x'.repeat(256), prompt: 'long' }),
      ask(sluice, { key: '""', prompt: 'empty' }),
    ];
    const told = (await Promise.all(wrong)).map(({ status, json }) => [status, json.error?.code, json.error?.field]);
    expect(told).toEqual([
      [422, 'IDEMPOTENCY_KEY_REUSED', null],
      [422, 'IDEMPOTENCY_KEY_REUSED', null],
      [422, 'INVALID_VALUE', 'Idempotency-Key'],
      [422, 'INVALID_VALUE', 'Idempotency-Key'],
    ]);
    expect(world.upstream.calls().length).toBe(1);
  });

  test('does not keep a failure that cost nothing, and keeps what the provider refused', async () => {
    world.upstream.script({ status: 500, times: 1 });
    const asking = { key: 'failure', prompt: 'failure' };
    expect((await ask(sluice, asking)).status).toBe(500);
    expect((await ask(sluice, asking)).status).toBe(200);

    world.upstream.script({ status: 400 });
    const refused = { key: 'refused', prompt: 'refused' };
    const first = await ask(sluice, refused);
    world.upstream.reset();
    const again = await ask(sluice, refused);
    expect([first.status, again.status, again.text]).toEqual([400, 400, first.text]);
    expect(world.upstream.calls().length).toBe(0);
  });

  test('makes one of what is created, and gives the secret that is shown once again without keeping it in clear', async () => {
    const headers = { ...(await signIn(sluice.url)), 'idempotency-key': 'create' };
    const create = () => call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'shop' }, headers });
    const [first, again] = [await create(), await create()];
    expect([first.status, again.text]).toEqual([201, first.text]);
    const [row] = await world.query<{ row: string }>(sluice, "select k::text as row from idempotency_keys k where key = 'create'");
    expect(row?.row).toContain('/api/v1/keys');
    expect(row?.row).not.toContain(Buffer.from(first.json.key).toString('hex'));
    expect(row?.row).not.toContain(first.json.key);
  });

  test('does not make a sign-in twice the same', async () => {
    const signInAgain = () => call<{ access_token: string }>(`${sluice.url}/auth/login`, { json: ADMIN, headers: { 'idempotency-key': 'sign-in' } });
    const [first, again] = [await signInAgain(), await signInAgain()];
    expect(again.json.access_token).not.toBe(first.json.access_token);
    expect(await world.query(sluice, "select key from idempotency_keys where key = 'sign-in'")).toEqual([]);
  });
});

describe('a caller who leaves', () => {
  test('finds the whole answer with the key, and the provider was asked once', async () => {
    const asking = { key: 'leaver', prompt: 'a tale of twenty pieces that somebody does not hear to its end', stream: true };
    const leaving = new AbortController();
    const response = await fetch(`${sluice.url}/generate?stream=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': asking.key, 'cache-control': 'no-store' },
      body: JSON.stringify({ prompt: asking.prompt, max_tokens: 100 }),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    const answer = await askUntilTold(sluice, asking);
    expect(answer.text).toContain('event: done');
    expect(answer.headers.get('idempotency-replayed')).toBe('true');
    expect(world.upstream.calls().map(({ closedByClientAt }) => closedByClientAt)).toEqual([null]);
  });

  test('before the first byte finds it too', async () => {
    script(world.upstream, 200);
    const asking = { key: 'early leaver', prompt: 'early leaver' };
    const leaving = new AbortController();
    const left = ask(sluice, asking, leaving.signal).catch(() => 'left');
    await world.upstream.until((calls) => calls.length === 1);
    leaving.abort();
    expect(await left).toBe('left');
    expect((await askUntilTold(sluice, asking)).json.response).toBe('early leaver');
    expect(world.upstream.calls().length).toBe(1);
  });
});

test(
  'a stream with a key ends upstream too when what it was signed with is revoked, whether or not its caller still reads',
  async () => {
    const authorization = await signIn(sluice.url);
    const { json } = await call<{ id: string; key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'revoked' }, headers: authorization });
    world.upstream.script({ text: 'tide '.repeat(70), chunks: 70, chunkDelayMs: 300 });
    const asking = (key: string) => ({ key, prompt: key, stream: true, headers: { 'x-api-key': json.key } });
    const leaving = new AbortController();
    const left = ask(sluice, asking('revoked, left'), leaving.signal).catch(() => 'left');
    await until(() => (world.upstream.calls()[0]?.pieces ?? 0) > 0);
    leaving.abort();
    expect(await left).toBe('left');
    const reading = ask(sluice, asking('revoked'));
    await world.upstream.until((calls) => calls.length === 2);
    await call(`${sluice.url}/api/v1/keys/${json.id}`, { method: 'DELETE', headers: authorization });
    expect((await reading).text).toContain('"code":"UNAUTHORIZED"');
    await world.upstream.until((calls) => calls.every(({ closedByClientAt }) => closedByClientAt !== null));
  },
  START_LIMIT_MS,
);

test(
  'a stream whose caller left before its first byte is waited for by a service that ends, and found by the next',
  async () => {
    script(world.upstream, 300);
    const asking = { key: 'ending', prompt: 'ending', stream: true };
    const leaving = new AbortController();
    const ending = await world.start();
    const left = ask(ending, asking, leaving.signal).catch(() => 'left');
    await world.upstream.until((calls) => calls.length === 1);
    leaving.abort();
    expect(await left).toBe('left');
    const toldAt = performance.now();
    expect(await ending.end()).toBe(0);
    // Far below the grace, which passes when an answer is counted that nobody will end.
    expect(performance.now() - toldAt).toBeLessThan(10_000);
    expect(ending.logs().find((line) => line.message === 'request')).toMatchObject({ outcome: 'left', status: 200 });
    const answer = await ask(sluice, asking);
    expect([answer.text.includes('event: done'), answer.headers.get('idempotency-replayed')]).toEqual([true, 'true']);
    expect(world.upstream.calls().length).toBe(1);
  },
  START_LIMIT_MS,
);

describe('another process on the same database', () => {
  test(
    'knows what the first is doing, and what it answered; and so does the next after both have gone',
    async () => {
      const other = await world.start();
      script(world.upstream, 500);
      const asking = { key: 'replicas', prompt: 'replicas', stream: true };
      const first = ask(sluice, asking);
      await world.upstream.until((calls) => calls.length === 1);
      expect((await ask(other, asking)).status).toBe(409);
      expect((await ask(other, { ...asking, prompt: 'other' })).status).toBe(422);
      const { text } = await first;
      expect((await ask(other, asking)).text).toBe(text);
      expect([await other.end(), await sluice.end()]).toEqual([0, 0]);

      sluice = await world.start();
      const last = await ask(sluice, asking);
      expect([last.text, last.headers.get('idempotency-replayed')]).toEqual([text, 'true']);
      expect(world.upstream.calls().length).toBe(1);
    },
    START_LIMIT_MS,
  );
});

describe('without a database', () => {
  test(
    'nothing is promised: a request with a key is 503, one without is answered',
    async () => {
      const gate = await openGate(world.databaseUrl(sluice));
      const cut = await startSluice({ env: { DATABASE_URL: gate.url, OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: world.upstream.url } });
      try {
        expect((await call(`${cut.url}/generate`, { json: { prompt: 'before' } })).status).toBe(200);
        gate.close();
        await until(async () => (await ask(cut, { key: 'away', prompt: 'away' })).status === 503);
        expect((await call(`${cut.url}/generate`, { json: { prompt: 'after' } })).status).toBe(200);
        expect(world.upstream.calls().filter(({ bodyText }) => bodyText.includes('away'))).toEqual([]);
      } finally {
        await cut.stop();
      }
    },
    START_LIMIT_MS,
  );
});
