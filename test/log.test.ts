import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeUpstream, startFakeUpstream } from './fake-upstream/server.ts';
import type { Rule } from './fake-upstream/rule.ts';
import { ADMIN, call, type Sluice, signIn, startSluice, until } from './harness.ts';

/** What the log holds of what people ask and keep secret, whatever goes wrong with their calls, at its most talkative. */
const ASKED = 'heron by the weir';
const SAID = 'walnut quartz ribbon ember';
const JWT = `eyJhbGciOiJIUzI1NiJ9.${btoa('{"sub":"planted"}').replaceAll('=', '')}.cGxhbnRlZC1zaWduYXR1cmU`;
const SECRETS = {
  // Of no form that anything could know it by, and of the usual one.
  providerKey: 'planted.provider.credential.7f3a',
  usualKey: 'sk-planted-7f3a91c04d5e',
  jwtSecret: 'planted lantern over quiet water 7f3a',
  password: ADMIN.password,
  wrongPassword: 'planted password of nobody',
  callersKey: 'sk-sluice-planted-7f3a91c04d5e',
  refreshToken: 'planted-refresh-token-7f3a91c04d5e',
  jwt: JWT,
};

let upstream: FakeUpstream;
beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(() => upstream.stop());

/** A provider that repeats what it was sent, as some do in their complaints. */
const repeating = `Incorrect API key provided: ${SECRETS.providerKey}, ${SECRETS.usualKey}. Your prompt was: ${ASKED}`;
const FAULTS: Record<string, Rule> = {
  refused: { status: 400, body: { error: { message: repeating, type: 'invalid_request_error', param: null, code: null } } },
  unauthorized: { status: 401, body: { error: { message: repeating, type: 'x', param: null, code: 'invalid_api_key' } } },
  failing: { status: 500, body: { error: { message: repeating, type: 'server_error', param: null, code: null } } },
  limiting: { status: 429, headers: { 'retry-after': '0' }, body: { error: { message: repeating, type: 'x', param: null, code: 'rate_limit_exceeded' } } },
  html: { garble: { kind: 'html' } },
  cut: { cut: 'mid-head' },
  half: { text: SAID, chunks: 4, cutAfter: 2 },
  garbled: { text: SAID, chunks: 4, garble: { kind: 'bad-json', at: 2 } },
  complained: { text: SAID, chunks: 4, garble: { kind: 'error-object', at: 2 } },
};

/** Every way to fail that has a prompt or a secret in it, and one call that works. */
async function everythingGoesWrong({ url, pid }: Sluice, configFile: string): Promise<void> {
  upstream.reset();
  const rules = Object.entries(FAULTS).map(([prompt, rule]) => Object.assign({ match: { prompt: `${prompt}:` } }, rule));
  upstream.script([...rules, { text: SAID }]);
  const user = await signIn(url);
  for (const prompt of [...Object.keys(FAULTS), 'well']) {
    for (const query of ['', '?stream=true']) await call(`${url}/generate${query}`, { json: { prompt: `${prompt}: ${ASKED}` } });
  }
  await call(`${url}/generate`, { json: { prompt: `my key is ${SECRETS.usualKey} and my token ${JWT}` }, headers: { ...user, 'x-request-id': 'careless' } });
  await call(`${url}/summarize`, { json: { text: ASKED, style: ASKED }, headers: user });
  await call(`${url}/api/v1/generate`, { json: { template_id: 'basic_chat_v1', input: ASKED, parameters: { tone: ASKED } } });
  await call(`${url}/generate`, { json: { prompt: ASKED, api_key: SECRETS.usualKey } });
  await call(`${url}/generate`, { method: 'POST', body: `{"prompt": "${ASKED}", "password": "${SECRETS.wrongPassword}"` });
  await call(`${url}/generate?api_key=${SECRETS.usualKey}`, { json: { prompt: ASKED, model: 'no such model' } });
  await call(`${url}/auth/login`, { json: { username: 'admin', password: SECRETS.wrongPassword } });
  await call(`${url}/auth/login`, { method: 'POST', body: new URLSearchParams({ username: 'admin', password: SECRETS.wrongPassword, scope: ASKED }) });
  await call(`${url}/auth/password`, { json: { current_password: SECRETS.wrongPassword, new_password: SECRETS.wrongPassword }, headers: user });
  await call(`${url}/auth/refresh`, { json: { refresh_token: SECRETS.refreshToken } });
  for (const authorization of [`Bearer ${JWT}`, `Bearer ${SECRETS.callersKey}`, `Basic ${btoa(`admin:${SECRETS.wrongPassword}`)}`, SECRETS.refreshToken]) {
    await call(`${url}/auth/me`, { headers: { authorization } });
  }
  await call(`${url}/auth/me`, { headers: { 'x-api-key': SECRETS.callersKey, cookie: `session=${SECRETS.refreshToken}` } });
  await call(`${url}/health`);
  writeFileSync(configFile, `providers:\n  other: { base_url: 'http://127.0.0.1:1', api_key: [${SECRETS.usualKey}] }\n`);
  process.kill(pid, 'SIGHUP');
}

async function logOf(
  env: Record<string, string>,
): Promise<{ readonly lines: readonly Record<string, unknown>[]; readonly text: string; readonly tokens: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-log-'));
  const configFile = join(folder, 'sluice.yaml');
  writeFileSync(configFile, '');
  const provider = { OPENAI_API_KEY: SECRETS.providerKey, OPENAI_BASE_URL: upstream.url, UPSTREAM_BACKOFF_BASE_S: '0', UPSTREAM_MAX_RETRIES: '1' };
  const sluice = await startSluice({ env: { ...provider, JWT_SECRET: SECRETS.jwtSecret, SLUICE_CONFIG: configFile, DEBUG: 'true', ...env } });
  await everythingGoesWrong(sluice, configFile);
  await until(() => sluice.logs().some(({ message }) => message.startsWith('the changed configuration is refused')));
  const { authorization = '' } = await signIn(sluice.url);
  await sluice.end();
  const lines = sluice.logs();
  const text = lines.map((line) => JSON.stringify(line)).join('\n') + sluice.stderr();
  const databasePassword = process.env['SLUICE_TEST_DATABASE_URL']
    ? new URL(process.env['SLUICE_TEST_DATABASE_URL']).password
    : readFileSync(join(sluice.dataDir, 'postgres', 'sluice.password'), 'utf8').trim();
  await sluice.stop();
  rmSync(folder, { recursive: true });
  return { lines, text, tokens: [authorization.replace('Bearer ', ''), databasePassword] };
}

function foundIn(text: string, words: readonly string[]): readonly string[] {
  return words.filter((each) => each !== '' && text.includes(each));
}

describe('the log', () => {
  test('holds nothing that was asked, said or kept secret', async () => {
    const { lines, text, tokens } = await logOf({});
    expect(lines.length).toBeGreaterThan(40);
    expect(text.split('\n').filter((line) => foundIn(line, [ASKED, SAID, ...SAID.split(' '), ...Object.values(SECRETS), ...tokens]).length > 0)).toEqual([]);
  });

  test('holds with LOG_PROMPTS what was asked and said, and still nothing that was kept secret', async () => {
    const { lines, text, tokens } = await logOf({ LOG_PROMPTS: 'true' });
    const well = lines.find((line) => JSON.stringify(line['prompt'])?.includes(`well: ${ASKED}`));
    expect(well?.['answer']).toBe(SAID);
    expect(lines.find((line) => line['request_id'] === 'careless' && line['prompt'] !== undefined)).toBeDefined();
    expect(text.split('\n').filter((line) => foundIn(line, [...Object.values(SECRETS), ...tokens]).length > 0)).toEqual([]);
  });
});
