import { afterAll, beforeAll, expect, test } from 'bun:test';
import { call, type Sluice, signIn, startSluice } from './harness.ts';

type Failed = { error: { code: string; message: string } };

let sluice: Sluice;

beforeAll(async () => {
  sluice = await startSluice({
    env: { RATE_LIMIT_GENERATE: '10/minute', RATE_LIMIT_HEALTH: '30/minute', RATE_LIMIT_ANONYMOUS: '60/minute', TRUST_PROXY: 'loopback' },
  });
});
afterAll(() => sluice.stop());

const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });
const ask = (headers: Record<string, string>, path = '/generate') => call<Failed>(`${sluice.url}${path}`, { json: { prompt: 'hi', temperature: 0 }, headers });

test('ten a minute go through for one address, the eleventh is told when to come back', async () => {
  const answers = [];
  for (let nth = 0; nth < 11; nth++) answers.push(await ask(from('203.0.113.1')));
  expect(answers.map(({ status }) => status)).toEqual([...Array<number>(10).fill(200), 429]);
  expect(answers.slice(0, 10).map(({ headers }) => headers.get('x-ratelimit-remaining'))).toEqual(['9', '8', '7', '6', '5', '4', '3', '2', '1', '0']);
  const [first] = answers;
  expect([first?.headers.get('ratelimit-policy'), first?.headers.get('ratelimit')]).toEqual(['"generate";q=10;w=60', '"generate";r=9;t=60']);
  const refused = answers[10];
  expect([refused?.json.error.code, refused?.json.error.message]).toEqual(['RATE_LIMIT_EXCEEDED', 'Rate limit exceeded: 10 per 1 minute']);
  const retryAfter = Number(refused?.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThan(50);
  expect(retryAfter).toBeLessThanOrEqual(60);
});

test('another address has its own ten, and so has another route', async () => {
  for (let nth = 0; nth < 10; nth++) await ask(from('203.0.113.2'));
  expect((await ask(from('203.0.113.2'))).status).toBe(429);
  expect((await ask(from('203.0.113.3'))).status).toBe(200);
  const intro = await call(`${sluice.url}/api/generate-intro`, { json: { script: 'A bird house of old wood.' }, headers: from('203.0.113.2') });
  expect(intro.status).toBe(200);
});

test('what is refused before it begins does not count', async () => {
  for (let nth = 0; nth < 20; nth++) expect((await call(`${sluice.url}/generate`, { json: {}, headers: from('203.0.113.4') })).status).toBe(422);
  expect((await ask(from('203.0.113.4'))).headers.get('x-ratelimit-remaining')).toBe('9');
});

test('whoever signed in is not limited by address', async () => {
  const user = await signIn(sluice.url);
  for (let nth = 0; nth < 12; nth++) expect((await ask({ ...user, ...from('203.0.113.5') })).status).toBe(200);
});

test('/health is limited to thirty, /healthz and /readyz are not', async () => {
  for (let nth = 0; nth < 30; nth++) expect((await call(`${sluice.url}/health`, { headers: from('203.0.113.6') })).status).toBe(200);
  expect((await call(`${sluice.url}/health`, { headers: from('203.0.113.6') })).status).toBe(429);
  for (let nth = 0; nth < 100; nth++) expect((await call(`${sluice.url}/healthz`, { headers: from('203.0.113.6') })).status).toBe(200);
  expect((await call(`${sluice.url}/readyz`, { headers: from('203.0.113.6') })).status).toBe(200);
});
