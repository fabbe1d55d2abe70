import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import { call, signIn, type Sluice, startSluice } from './harness.ts';

/** An answer that is larger than what is held for a slow reader, and comes in one read with its end, leaves a connection that can be read from. */
let upstream: FakeUpstream;
let sluice: Sluice;
let headers: Record<string, string>;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  sluice = await startSluice({
    env: { OPENAI_API_KEY: 'sk-upstream-000000000000', OPENAI_BASE_URL: upstream.url, UPSTREAM_MAX_RETRIES: '0', UPSTREAM_READ_TIMEOUT_S: '1' },
  });
  const { json } = await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'large' }, headers: await signIn(sluice.url) });
  headers = { authorization: `Bearer ${json.key}` };
});
afterAll(async () => {
  await sluice.stop();
  upstream.stop();
});

test.each([
  [60_000, false],
  [70_000, false],
  [100_000, false],
  [400_000, false],
  [60_000, true],
  [70_000, true],
  [100_000, true],
  [400_000, true],
])('after an answer of %d bytes (stream: %p) the next call on its connection is answered', async (bytes, stream) => {
  const ask = () =>
    call(`${sluice.url}/v1/chat/completions`, { json: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Go on' }], stream }, headers });
  upstream.script({ text: 'x'.repeat(bytes), chunks: 1 });
  expect((await ask()).text).toContain('x'.repeat(bytes));
  upstream.script({ chunks: 3 });
  expect((await ask()).status).toBe(200);
  expect(upstream.counts().connections.total).toBe(1);
});
