import { describe, expect, test } from 'bun:test';
import type { App } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import { ANONYMOUS, type Principal } from '../contract/policy.ts';
import { createDispatch, type Identify } from './dispatch.ts';
import type { KeptAnswers } from './idempotency.ts';
import { type Exchange, route } from './route.ts';

const MEMBER: Principal = { kind: 'user', projectId: 'default', userId: 'usr_1', username: 'ada', role: 'member', sessionId: 'ses_1', limits: [], budgets: [] };
const KEY: Principal = {
  kind: 'key',
  projectId: 'default',
  keyId: 'key_1',
  keyName: 'shop',
  userId: null,
  allowedModels: null,
  allowedRoutes: ['/usual', '/deep/*'],
  limits: [],
  budgets: [],
};
const ALL_SPENT: Principal = {
  ...ANONYMOUS,
  budgets: [{ scope: 'project', id: 'default', limitNanoUsd: 0, period: 'total', timeZone: 'UTC' }],
};
let asked = 0;
const identify: Identify = {
  caller(authorization) {
    if (authorization === 'Bearer good') return MEMBER;
    if (authorization === 'Bearer key') return KEY;
    if (authorization === 'Bearer slow') return Promise.resolve(KEY);
    throw new AppError('UNAUTHORIZED', { message: 'The access token has expired' });
  },
  isRevoked: () => Promise.resolve(false),
  nobody() {
    asked++;
    return ALL_SPENT;
  },
};
const silent = (): void => undefined;
// What the kit uses of an App when a route of these is called; the rest is for gateways and databases.
const app = {
  config: () => ({ settings: { trustProxy: [], requestTimeoutS: 60 }, allowAnonymous: true, corsOrigins: [] }),
  clock: { now: () => 0, monotonic: () => 0 },
  newId: (prefix: string) => `${prefix}_1`,
  log: { debug: silent, info: silent, warning: silent, error: silent },
} as unknown as App;

const who = (_app: App, exchange: Exchange): { json: unknown } => ({ json: { kind: exchange.principal.kind, budgets: exchange.principal.budgets.length } });
const replies = [{ status: 200, description: 'Who.', type: 'application/json' }] as const;
const dispatch = createDispatch(
  app,
  [
    route({ method: 'GET', path: '/open', summary: 'Open', tag: 'Health', scope: 'public', replies, handle: who }),
    route({ method: 'GET', path: '/costly', summary: 'Costs money', tag: 'Health', scope: 'generate', replies, handle: who }),
    route({ method: 'GET', path: '/deep/{id}', summary: 'Further down', tag: 'Health', scope: 'models:read', replies, handle: who }),
    route({ method: 'GET', path: '/usual', summary: 'Open when allowed', tag: 'Health', scope: 'models:read', replies, handle: who }),
  ],
  identify,
  // Nobody here sends a key.
  {} as KeptAnswers,
);

async function ask(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: unknown }> {
  const { status, body } = await dispatch.handle({
    request: new Request(`http://localhost${path}`, { headers }),
    socketAddress: () => '127.0.0.1',
    received: () => undefined,
  });
  return { status, body: JSON.parse(String(body)) as unknown };
}

describe('a credential that does not hold', () => {
  test('is as good as none where everybody may come in', async () => {
    expect(await ask('/open', { authorization: 'Bearer expired' })).toEqual({ status: 200, body: { kind: 'anonymous', budgets: 0 } });
  });
  test('is 401 everywhere else, also where the anonymous are let in', async () => {
    expect((await ask('/usual', { authorization: 'Bearer expired' })).status).toBe(401);
    expect((await ask('/usual', { 'x-api-key': 'no' })).status).toBe(401);
    expect((await ask('/usual')).status).toBe(200);
  });
  test('does not hide one that holds', async () => {
    expect((await ask('/open', { authorization: 'Bearer good' })).body).toEqual({ kind: 'user', budgets: 0 });
  });
});

describe('a key that may use some routes alone', () => {
  for (const how of ['key', 'slow']) {
    const headers = { authorization: `Bearer ${how}` };
    test(`may use those, by their path or its beginning (${how})`, async () => {
      expect((await ask('/usual', headers)).status).toBe(200);
      expect((await ask('/deep/down', headers)).status).toBe(200);
    });
    test(`is told so at every other that is not open to everybody (${how})`, async () => {
      const { status, body } = await ask('/costly', headers);
      expect(status).toBe(403);
      expect(body).toMatchObject({ error: { code: 'FORBIDDEN', details: { allowed_routes: ['/usual', '/deep/*'] } } });
      expect((await ask('/open', headers)).status).toBe(200);
    });
  }
});

test('the budget of the anonymous is asked for where something can cost money, and nowhere else', async () => {
  asked = 0;
  expect((await ask('/usual')).body).toEqual({ kind: 'anonymous', budgets: 0 });
  expect(asked).toBe(0);
  expect((await ask('/costly')).body).toEqual({ kind: 'anonymous', budgets: 1 });
  expect(asked).toBe(1);
});
