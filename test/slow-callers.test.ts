import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { callRaw, headOf, type RawCaller } from './faults/raw-caller.ts';
import { call, parseEvents, type Sluice, startSluice } from './harness.ts';

/**
 * Callers who take their time, to hold what others need; and those whose answer takes its time, who are not to be mistaken for them. All at once,
 * since nearly all of it is waiting.
 */
const HEADS = 350;
const BODIES = 150;
const BODY_S = 8;
/** More than the pings of a stream are apart: they are no sign of life. */
const IDLE_S = 16;
/** A head has ten seconds of the runtime's own, up to its next look; and all have something for a busy machine. */
const HEAD_CUT_MS = 12_000 + 2_000;
const BODY_CUT_MS = BODY_S * 1000 + 2_000;
const IDLE_CUT_MS = IDLE_S * 1000 + 2_000;
/** Longer than a body may take. */
const SILENCE_MS = 8_500;
const DISTURBED_MS = 1_000;
/** More than all buffers between us and a caller hold. */
const LONG_CHARS = 24 * 1024 * 1024;

let upstream: FakeUpstream;
let sluice: Sluice;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  upstream.script([
    { match: { prompt: 'silent first' }, delayMs: SILENCE_MS },
    { match: { prompt: 'silent between' }, chunks: ['a', 'b'], chunkDelayMs: SILENCE_MS },
    { match: { prompt: 'long' }, text: 'x'.repeat(LONG_CHARS), chunks: 1000, ignoreMaxTokens: true },
  ]);
  const limits = { REQUEST_BODY_TIMEOUT_S: String(BODY_S), KEEP_ALIVE_TIMEOUT_S: String(IDLE_S), UPSTREAM_READ_TIMEOUT_S: '30' };
  sluice = await startSluice({ env: { ...limits, OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url } });
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});

const ask = (prompt: string, { query = '', headers = {} } = {}) => call<{ response: string }>(`${sluice.url}/generate${query}`, { json: { prompt }, headers });

async function closed(callers: readonly RawCaller[]): Promise<number> {
  return Math.max(...(await Promise.all(callers.map(({ closedAfterMs }) => closedAfterMs))));
}

/** Normal calls, one after the other for as long as it takes; answers the slowest of them. */
async function askWhile(waiting: Promise<unknown>): Promise<number> {
  let slowestMs = 0;
  while ((await Promise.race([waiting.then(() => 'over'), Bun.sleep(10)])) !== 'over') {
    const at = performance.now();
    expect((await call(`${sluice.url}/generate`, { json: { prompt: `normal ${at}`, model: 'demo' } })).status).toBe(200);
    slowestMs = Math.max(slowestMs, performance.now() - at);
  }
  return slowestMs;
}

describe.concurrent('a caller', () => {
  test(`is not disturbed by ${HEADS + BODIES} who send a byte now and then until they are cut off`, async () => {
    const heads = Array.from({ length: HEADS }, () => callRaw(sluice.url, { text: 'GET /healthz HTTP/1.1\r\nx-slow: ', drop: 'a' }));
    const bodies = Array.from({ length: BODIES }, () => callRaw(sluice.url, { text: headOf('/generate', 1000), drop: ' ' }));
    const cut = Promise.all([closed(heads), closed(bodies)]);
    const slowestMs = await askWhile(cut);
    const [headsMs, bodiesMs] = await cut;
    expect(headsMs).toBeLessThan(HEAD_CUT_MS);
    expect(bodiesMs).toBeLessThan(BODY_CUT_MS);
    expect(slowestMs).toBeLessThan(DISTURBED_MS);
  });

  test('who sends a body for a path that reads none has the answer at once, and no more time than others', async () => {
    const caller = callRaw(sluice.url, { text: headOf('/nothing', 1000), drop: ' ' });
    expect(await closed([caller])).toBeLessThan(BODY_CUT_MS);
    expect(caller.received()).toStartWith('HTTP/1.1 404');
  });

  test('who sends slowly but steadily is read to the end', async () => {
    const kilobytes = 500;
    const caller = callRaw(sluice.url, { text: headOf('/generate', kilobytes * 1024), drop: '"'.repeat(10 * 1024), everyMs: 250 });
    await until(() => caller.received() !== '');
    expect(caller.received()).toStartWith('HTTP/1.1 422');
    caller.leave();
  });

  test('may ask again on a connection, which is closed when nothing more comes', async () => {
    const caller = callRaw(sluice.url, { text: 'GET /healthz HTTP/1.1\r\nhost: sluice.test\r\n\r\n' });
    await until(() => caller.received().endsWith('{"status":"ok"}'));
    caller.write(`${headOf('/generate', 15)}{"prompt":"hi"}`);
    await until(() => caller.received().includes('"response"'));
    const answeredAt = performance.now();
    await caller.closedAfterMs;
    expect(performance.now() - answeredAt).toBeLessThan(IDLE_CUT_MS);
  });

  test('who stops in the middle of a later request is cut off as in the first', async () => {
    const caller = callRaw(sluice.url, { text: 'GET /healthz HTTP/1.1\r\nhost: sluice.test\r\n\r\n' });
    await until(() => caller.received().endsWith('{"status":"ok"}'));
    caller.write(headOf('/generate', 15));
    expect(await closed([caller])).toBeLessThan(BODY_CUT_MS);
  });

  test('who takes nothing of a long stream is cut off, and the provider with it', async () => {
    const head = headOf('/generate?stream=true', 17).replace('\r\n', '\r\nx-request-id: takes-nothing\r\n');
    const caller = callRaw(sluice.url, { text: `${head}{"prompt":"long"}`, reads: false });
    await upstream.until((calls) => calls.some(({ bodyText, closedByClientAt }) => bodyText.includes('"long"') && closedByClientAt !== null));
    await until(() => sluice.logs().some((line) => line['outcome'] === 'left' && line['request_id'] === 'takes-nothing'));
    caller.leave();
  });

  test('waits for a slow answer as long as it takes: whole, in events, and as raw text, which has no pings', async () => {
    const [whole, events, text] = await Promise.all([
      ask('silent first'),
      ask('silent between, in events', { query: '?stream=true' }),
      ask('silent between, as text', { query: '?stream=true', headers: { accept: 'text/plain' } }),
    ]);
    expect(whole.status).toBe(200);
    expect(parseEvents(events.text).map(({ event }) => event)).toEqual(['message', 'message', 'done']);
    expect(text.text).toBe('ab');
  });
});

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not come about in time');
    await Bun.sleep(10);
  }
}
