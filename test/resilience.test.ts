import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FaultyDatabase, killServer, makeFaultyDatabase, serverPid } from './faults/faulty-database.ts';
import { ADMIN, type Answered, call, type Sluice, signIn, startSluice, until } from './harness.ts';
import { type Operation, readPromises } from './promises/document.ts';

/** What happens around the process, while it serves. */
const embedded = !process.env['SLUICE_TEST_DATABASE_URL'];
/** A database that is away is said to be at once; of one that stands still it takes a second to know. */
const AT_ONCE_MS = 1_000;
const KNOWN_MS = 1_500;
const BACK_MS = 5_000;

type Health = { readonly status: string; readonly checks: { readonly database: { readonly status: string } } };
type Failure = { readonly error: { readonly code: string } };
type Timed = { readonly route: string; readonly tookMs: number; readonly outcome: string };

async function timed(asking: Promise<Answered<unknown>>, route = ''): Promise<Timed> {
  const at = performance.now();
  const { status, json } = await asking;
  return { route, tookMs: performance.now() - at, outcome: `${status} ${(json as Failure | null)?.error?.code ?? ''}`.trim() };
}

/** Whoever asks the demo model without a sign-in hears nothing of the database. */
async function askWhile(sluice: Sluice, waiting: Promise<unknown>): Promise<void> {
  for (let number = 0; (await Promise.race([waiting.then(() => 'over'), Bun.sleep(20)])) !== 'over'; number++) {
    const answers = await Promise.all([
      call(`${sluice.url}/generate`, { json: { prompt: `meanwhile ${performance.now()}` } }),
      call(`${sluice.url}/generate?stream=true`, { json: { prompt: `meanwhile, in events ${performance.now()}` } }),
      call(`${sluice.url}/healthz`),
      call(`${sluice.url}/readyz`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  }
}

describe('without its database', () => {
  let database: FaultyDatabase;
  let sluice: Sluice;
  let user: Record<string, string>;
  let operations: readonly Operation[];

  beforeAll(async () => {
    database = await makeFaultyDatabase();
    sluice = await startSluice({ env: database.env });
    user = await signIn(sluice.url);
    operations = readPromises((await call<Parameters<typeof readPromises>[0]>(`${sluice.url}/openapi.json`)).json).operations;
  });
  afterAll(async () => {
    await database.comeBack();
    await database.goOn();
    expect(await sluice.end()).toBe(0);
    await sluice.stop();
    await database.drop();
  });

  /** What cannot be answered from memory. */
  const needing = () => [
    call(`${sluice.url}/auth/login`, { json: ADMIN }),
    call(`${sluice.url}/api/v1/templates`),
    call(`${sluice.url}/api/v1/templates/of_our_own_v1`),
    call(`${sluice.url}/api/v1/generate`, { json: { template_id: 'of_our_own_v1', input: 'hi' } }),
  ];
  const health = () => call<Health>(`${sluice.url}/health`);

  function ask({ route, method, path, pathExamples, body }: Operation): Promise<Timed> {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => pathExamples[name] ?? 'x_v1');
    return timed(call(`${sluice.url}${filled}`, { method, headers: user, ...(body === undefined ? {} : { json: body }) }), route);
  }

  async function isRefused(withinMs: number): Promise<void> {
    const [checked, ...refused] = await Promise.all([timed(health()), ...needing().map((each) => timed(each))]);
    expect(new Set(refused.map(({ outcome }) => outcome))).toEqual(new Set(['503 SERVICE_UNAVAILABLE']));
    expect(Math.max(checked.tookMs, ...refused.map(({ tookMs }) => tookMs))).toBeLessThan(withinMs);
    const { status, json } = await health();
    expect([status, json.status, json.checks.database.status]).toEqual([503, 'error', 'error']);
  }

  async function everyRouteAnswers(): Promise<void> {
    const answers = await Promise.all(operations.map(ask));
    expect(answers.filter(({ outcome }) => outcome.startsWith('5') && !outcome.startsWith('503'))).toEqual([]);
    expect(answers.filter(({ tookMs }) => tookMs > KNOWN_MS)).toEqual([]);
  }

  async function isBack(): Promise<void> {
    const at = performance.now();
    await until(async () => (await Promise.all(needing())).every(({ status }) => status < 500), BACK_MS);
    await until(async () => (await health()).status === 200, BACK_MS);
    expect(performance.now() - at).toBeLessThan(BACK_MS);
    expect((await call(`${sluice.url}/auth/me`, { headers: await signIn(sluice.url) })).status).toBe(200);
  }

  test('that was killed, it refuses what needs it at once, answers all else, and is well again when it is back', async () => {
    await database.goAway(sluice);
    const away = isRefused(AT_ONCE_MS).then(everyRouteAnswers);
    await Promise.all([away, askWhile(sluice, away)]);
    await database.comeBack();
    const back = isBack();
    await Promise.all([back, askWhile(sluice, back)]);
  });

  test('that stands still, it knows after a second, keeps nobody waiting, and is well again when it goes on', async () => {
    database.standStill(sluice);
    const away = isRefused(KNOWN_MS)
      .then(() => isRefused(AT_ONCE_MS * 0.6))
      .then(everyRouteAnswers);
    await Promise.all([away, askWhile(sluice, away)]);
    await database.goOn();
    const back = isBack();
    await Promise.all([back, askWhile(sluice, back)]);
  });

  test('that stands still, it comes to its end all the same', async () => {
    const other = await startSluice({ env: database.env });
    database.standStill(other);
    const toldAt = performance.now();
    expect(await other.end()).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(15_000);
    await database.goOn();
    // It was left as it was, since it did not answer.
    if (embedded) killServer(other.dataDir);
    await other.stop();
  });

  if (embedded) {
    test('it starts it again by itself, each time that it is killed, and not in haste', async () => {
      for (let kills = 0; kills < 2; kills++) {
        const server = serverPid(sluice.dataDir);
        killServer(sluice.dataDir);
        const back = until(() => ![server, null].includes(serverPid(sluice.dataDir))).then(isBack);
        await Promise.all([back, askWhile(sluice, back)]);
      }
      const waits = sluice.logs().flatMap(({ message, wait_ms: waitMs }) => (message.startsWith('the embedded database went away') ? [Number(waitMs)] : []));
      expect(waits.slice(-2)).toEqual(waits.slice(-2).toSorted((one, other) => one - other));
      expect(waits.at(-1)).toBeGreaterThan(0);
      expect(sluice.logs().filter(({ message }) => message === 'the embedded database is back').length).toBe(waits.length);
    });
  }
});

if (embedded) {
  describe('two processes on one data folder', () => {
    test('share its database, which stays for as long as one of them is there', async () => {
      const first = await startSluice();
      const { dataDir } = first;
      const second = await startSluice({ dataDir });
      const user = await signIn(first.url);
      const isServed = async (sluice: Sluice): Promise<boolean> => {
        const { status } = await call(`${sluice.url}/auth/me`, { headers: user });
        return status === 200 && (await call(`${sluice.url}/auth/login`, { json: ADMIN })).status === 200;
      };
      expect(await isServed(second)).toBe(true);
      await first.end('SIGKILL');
      expect(await isServed(second)).toBe(true);
      const third = await startSluice({ dataDir });
      expect(await second.end()).toBe(0);
      expect(await isServed(third)).toBe(true);
      expect(third.logs().map(({ message }) => message)).not.toContain('the embedded database went away; starting it again');
      expect(await third.end()).toBe(0);
      expect(serverPid(dataDir)).toBeNull();
      await third.stop();
    });
  });
}

describe('told to read its configuration again', () => {
  test('by SIGHUP, it does so at once, refuses a bad file with line and reason, and fails no call meanwhile', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-hup-'));
    const file = join(folder, 'sluice.yaml');
    writeFileSync(file, 'models:\n  one: { targets: [demo] }\n');
    const { atime, mtime } = statSync(file);
    const sluice = await startSluice({ env: { SLUICE_CONFIG: file } });
    const knows = async (model: string): Promise<boolean> => (await call(`${sluice.url}/generate`, { json: { prompt: `to ${model}`, model } })).status === 200;
    const refusals = () => sluice.logs().filter(({ message }) => message.startsWith('the changed configuration is refused'));
    const reload = (text: string): void => {
      writeFileSync(file, text);
      // As old and as long as before, so that nobody but the signal tells of it.
      utimesSync(file, atime, mtime);
      process.kill(sluice.pid, 'SIGHUP');
    };
    const reloading = (async () => {
      reload('models:\n  two: { targets: [demo] }\n');
      await until(() => knows('two'));
      reload('models:\n  two: { targets: 123456 }\n');
      await until(() => refusals().length > 0);
      expect([await knows('two'), await knows('one')]).toEqual([true, false]);
    })();
    await Promise.all([reloading, askWhile(sluice, reloading)]);
    expect(JSON.stringify(refusals()[0]?.['problems'])).toMatch(/sluice\.yaml:2:\d+.*must be a list/);
    await sluice.stop();
    rmSync(folder, { recursive: true });
  });
});
