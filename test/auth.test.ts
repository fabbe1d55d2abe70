import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ADMIN, call, type Sluice, startSluice } from './harness.ts';

type Tokens = { access_token: string; token_type: string; expires_in: number; refresh_token: string };
type Failed = { error: { code: string; message: string; field: string | null } };

let sluice: Sluice;

beforeAll(async () => {
  sluice = await startSluice({ env: { TRUST_PROXY: 'loopback' } });
});
afterAll(() => sluice.stop());

const post = <Body>(path: string, json: unknown, headers: Record<string, string> = {}) => call<Body>(`${sluice.url}/auth/${path}`, { json, headers });
const logIn = async (): Promise<Tokens> => (await post<Tokens>('login', ADMIN)).json;
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const me = (token: string) => call(`${sluice.url}/auth/me`, { headers: bearer(token) });

describe('POST /auth/login', () => {
  test('200 by JSON', async () => {
    const { status, json } = await post<Tokens>('login', ADMIN);
    expect([status, json.token_type, json.expires_in] as unknown[]).toEqual([200, 'bearer', 3600]);
    expect(json.access_token.split('.')).toHaveLength(3);
    expect(json.refresh_token.length).toBeGreaterThan(20);
  });

  test('200 by the OAuth2 password form', async () => {
    const body = new URLSearchParams({ grant_type: 'password', ...ADMIN, scope: '', client_id: '', client_secret: '' });
    const { status, json } = await call<Tokens>(`${sluice.url}/auth/login`, { method: 'POST', body });
    expect([status, (await me(json.access_token)).status]).toEqual([200, 200]);
  });

  test('401 in the same words for a wrong user and a wrong password', async () => {
    const wrongUser = await post<Failed>('login', { username: 'nobody', password: 'x' }, { 'x-forwarded-for': '203.0.113.10' });
    const wrongPassword = await post<Failed>('login', { username: ADMIN.username, password: 'x' }, { 'x-forwarded-for': '203.0.113.11' });
    expect([wrongUser.status, wrongPassword.status]).toEqual([401, 401]);
    expect(wrongUser.json.error.message).toBe(wrongPassword.json.error.message);
  });

  test('429 after five failures in a minute, with Retry-After, and only for that address', async () => {
    const tries = [];
    for (let nth = 0; nth < 6; nth++)
      tries.push(await post<Failed>('login', { username: ADMIN.username, password: 'x' }, { 'x-forwarded-for': '203.0.113.12' }));
    expect(tries.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429]);
    expect(Number(tries[5]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await post('login', ADMIN, { 'x-forwarded-for': '203.0.113.13' })).status).toBe(200);
  });

  test('422 for a body that is none', async () => {
    const { status, json } = await post<Failed>('login', { username: 'a' });
    expect([status, json.error.code, json.error.field] as unknown[]).toEqual([422, 'MISSING_REQUIRED_FIELD', 'password']);
  });
});

describe('POST /auth/refresh', () => {
  test('200 with new tokens, and the old one is used up', async () => {
    const first = await logIn();
    const second = await post<Tokens>('refresh', { refresh_token: first.refresh_token });
    expect(second.status).toBe(200);
    expect(second.json.refresh_token).not.toBe(first.refresh_token);
    expect((await me(second.json.access_token)).status).toBe(200);
  });

  test('401 for a token that was used, which ends every token of its family', async () => {
    const first = await logIn();
    const second = (await post<Tokens>('refresh', { refresh_token: first.refresh_token })).json;
    expect((await post('refresh', { refresh_token: first.refresh_token })).status).toBe(401);
    expect((await post('refresh', { refresh_token: second.refresh_token })).status).toBe(401);
    expect((await me(second.access_token)).status).toBe(401);
  });

  test('of twenty at once with one token at most one is answered', async () => {
    const { refresh_token } = await logIn();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('refresh', { refresh_token })));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    expect(answers.filter(({ status }) => status !== 200).every(({ status }) => status === 401)).toBe(true);
  });
});

describe('the account', () => {
  test('GET /auth/me 200 says who one is, 401 without a token', async () => {
    const { json } = await me((await logIn()).access_token);
    expect(json).toMatchObject({ username: ADMIN.username, role: 'admin', project_id: 'default' });
    expect((await call(`${sluice.url}/auth/me`)).status).toBe(401);
  });

  test('POST /auth/logout 204 ends the session', async () => {
    const tokens = await logIn();
    expect((await call(`${sluice.url}/auth/logout`, { method: 'POST', headers: bearer(tokens.access_token) })).status).toBe(204);
    expect((await me(tokens.access_token)).status).toBe(401);
    expect((await post('refresh', { refresh_token: tokens.refresh_token })).status).toBe(401);
  });

  test('POST /auth/password changes it, ends the other sessions, and needs the old one', async () => {
    const [mine, other] = [await logIn(), await logIn()];
    const change = (current_password: string, new_password: string) => post<Failed>('password', { current_password, new_password }, bearer(mine.access_token));
    expect((await change('wrong', 'winter kettle orbit lamp')).json.error.field).toBe('current_password');
    expect((await change(ADMIN.password, 'winter kettle orbit lamp')).status).toBeLessThan(300);
    expect([(await me(mine.access_token)).status, (await me(other.access_token)).status]).toEqual([200, 401]);
    expect((await post('login', { ...ADMIN, password: 'winter kettle orbit lamp' })).status).toBe(200);
    expect((await change('winter kettle orbit lamp', ADMIN.password)).status).toBeLessThan(300);
  });
});

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

test('forged tokens are 401', async () => {
  const { access_token: good } = await logIn();
  const [header = '', payload = '', signature = ''] = good.split('.');
  const forged = [
    `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
    `${encode({ alg: 'HS512', typ: 'at+jwt' })}.${payload}.${signature}`,
    `${header}.${encode({ sub: 'usr_1', role: 'admin', exp: 9_999_999_999 })}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}.${signature.slice(0, -2)}`,
    `${good}.x`,
    'null',
    'x'.repeat(20_000),
  ];
  const statuses = await Promise.all(forged.map(async (token) => (await me(token)).status));
  // A header that is too long for HTTP itself is refused before anybody reads it.
  expect(statuses.every((status) => status === 401 || status === 431)).toBe(true);
});
