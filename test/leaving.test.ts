import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { type Sluice, startSluice } from './harness.ts';

/** Callers who leave in the middle of an answer: nothing upstream goes on for them, and nothing of them stays. */
const CALLERS = 200;
const CLOSED_WITHIN_MS = 1_000;
/** Enough rounds that 1,000 callers would show what each of them left behind. */
const ROUNDS_BEFORE = 3;
const ROUNDS = 5;
/** 32 KB for each caller: far below the buffers of one stream that is kept, above what the collector leaves for later. */
const GROWTH_MAX_MB = 32;
const SETTLED_WITHIN_MS = 20_000;

let upstream: FakeUpstream;
let sluice: Sluice;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  sluice = await startSluice({ env: { OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url, LOG_LEVEL: 'info' } });
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});

/** The same leavings in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const random = randomNumbers(20_261_121);

type Left = { readonly prompt: string; readonly at: number };

/** Asks, reads a random number of pieces, and is gone: before the first byte, after the head, or in the middle. */
async function askAndLeave(prompt: string): Promise<Left> {
  const leaving = new AbortController();
  const silent = prompt.startsWith('silent');
  const headers: Record<string, string> = { 'content-type': 'application/json', ...(random() < 0.3 ? { accept: 'text/plain' } : {}) };
  const query = silent && random() < 0.5 ? '' : '?stream=true';
  const asked = fetch(`${sluice.url}/generate${query}`, { method: 'POST', headers, body: JSON.stringify({ prompt }), signal: leaving.signal });
  if (silent) {
    asked.catch(() => undefined);
    await upstream.until((calls) => calls.some((call) => call.bodyText.includes(`"${prompt}"`)));
  } else {
    const reader = (await asked).body?.getReader();
    for (let pieces = Math.floor(random() * 20); pieces > 0; pieces--) await reader?.read();
  }
  const at = performance.now();
  leaving.abort();
  return { prompt, at };
}

let rounds = 0;

async function round(): Promise<readonly Left[]> {
  upstream.reset();
  upstream.script([
    { match: { prompt: 'silent' }, stall: true },
    { match: { prompt: 'talking' }, chunks: 2_000, text: 'tide '.repeat(2_000), chunkDelayMs: 10 },
  ]);
  rounds++;
  return Promise.all(Array.from({ length: CALLERS }, (_, number) => askAndLeave(`${number % 4 === 0 ? 'silent' : 'talking'} ${rounds} ${number}`)));
}

async function allClosed(): Promise<void> {
  await upstream.until((calls) => calls.length === CALLERS && calls.every((call) => call.closedByClientAt !== null));
}

function residentMb(): number {
  return (Number(readFileSync(`/proc/${sluice.pid}/statm`, 'utf8').split(' ')[1]) * 4096) / 1_048_576;
}

describe('200 callers who leave at random', () => {
  test('are each gone from the provider within a second', async () => {
    const left = await round();
    await allClosed();
    const late = left.filter(({ prompt, at }) => {
      const closedAt = upstream.calls().find((call) => call.bodyText.includes(`"${prompt}"`))?.closedByClientAt;
      return typeof closedAt !== 'number' || closedAt - at > CLOSED_WITHIN_MS;
    });
    expect(late).toEqual([]);
    expect(upstream.counts().connections.open).toBe(0);
    expect(upstream.counts().active).toBe(0);
  });

  test('are logged as left, and as nothing worse', async () => {
    const logged = () => sluice.logs().filter((line) => line.message === 'request');
    // The lines come through a pipe, and may still be on their way.
    const until = performance.now() + CLOSED_WITHIN_MS;
    while (logged().length < CALLERS && performance.now() < until) await Bun.sleep(10);
    const requests = logged();
    expect(requests.length).toBe(CALLERS);
    expect([...new Set(requests.map((line) => line['outcome']))]).toEqual(['left']);
    expect(sluice.logs().filter((line) => line.level === 'error')).toEqual([]);
    expect(sluice.stderr()).toBe('');
  });

  // It is read in /proc.
  if (process.platform === 'linux') {
    test(`leave no more than ${GROWTH_MAX_MB} MB behind after ${ROUNDS * CALLERS} of them`, async () => {
      for (let before = 0; before < ROUNDS_BEFORE; before++) {
        await round();
        await allClosed();
      }
      const before = residentMb();
      for (let each = 0; each < ROUNDS; each++) {
        await round();
        await allClosed();
      }
      const until = performance.now() + SETTLED_WITHIN_MS;
      // The collector takes its time, and nothing tells when it has been.
      while (residentMb() - before > GROWTH_MAX_MB && performance.now() < until) await Bun.sleep(100);
      expect(residentMb() - before).toBeLessThanOrEqual(GROWTH_MAX_MB);
    });
  }
});
