import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { ADMIN, type Answered, call, signIn, type Sluice, startSluice, until } from './harness.ts';
import { makeDatabase, run, type TestDatabase } from './test-database.ts';

/** Hashing passwords takes what it takes, on a busy machine too. */
setDefaultTimeout(30_000);

type Key = {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly key: string;
  readonly project_id: string;
  readonly user_id: string | null;
  readonly status: string;
  readonly rpm: number | null;
  readonly overlap_until: string | null;
  readonly last_used_at: string | null;
};
type Listed = { readonly data: readonly Key[]; readonly has_more: boolean; readonly next_cursor: string | null };
type Failed = { readonly error: { readonly code: string; readonly message: string; readonly field: string | null; readonly details: Record<string, unknown> } };
type Headers = Record<string, string>;

const WITHIN_MS = 1200;
let database: TestDatabase;
let sluice: Sluice;
/** Another process on the same data. */
let replica: Sluice;
let admin: Headers;
/** People of another project. */
const other: { projectId: string; member: Headers } = { projectId: 'prj_other', member: {} };
let viewer: Headers;

beforeAll(async () => {
  database = await makeDatabase();
  sluice = await startSluice({ env: database.env });
  replica = await startSluice({ env: database.env, dataDir: sluice.dataDir });
  await run(
    database.urlOf(sluice),
    `insert into projects (id, name) values ('prj_other', 'Other');
     insert into users (id, username, password_hash, password_source, role, project_id)
     select 'usr_' || name, name, password_hash, 'user', new_role, project from users,
       (values ('stranger', 'member', 'prj_other'), ('onlooker', 'viewer', 'default')) as made (name, new_role, project)`,
  );
  admin = await signIn(sluice.url);
  [other.member, viewer] = await Promise.all([signInAs('stranger'), signInAs('onlooker')]);
}, 60_000);
afterAll(async () => {
  await replica.end();
  await sluice.stop();
  await database.drop();
});

async function signInAs(username: string): Promise<Headers> {
  const { json } = await call<{ access_token: string }>(`${sluice.url}/auth/login`, { json: { ...ADMIN, username } });
  return { authorization: `Bearer ${json.access_token}` };
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
const at = (path = ''): string => `${sluice.url}/api/v1/keys${path}`;
const ask = <Body = Key>(method: Method, path: string, json?: unknown, headers: Headers = admin): Promise<Answered<Body>> =>
  call<Body>(at(path), { method, headers, ...(json === undefined ? {} : { json }) });
const create = async (parts: object = {}, headers: Headers = admin): Promise<Key> => {
  const { status, json, text } = await ask('POST', '', { name: 'shop', ...parts }, headers);
  if (status !== 201) throw new Error(`no key was made: ${status} ${text}`);
  return json;
};
const generate = (key: string, where: Sluice = sluice, path = '/generate', body: object = { prompt: 'hi' }): Promise<Answered<Failed>> =>
  call<Failed>(`${where.url}${path}`, { json: body, headers: { 'x-api-key': key } });
const projectsSeen = async (query: string, headers: Headers): Promise<Set<string>> =>
  new Set((await ask<Listed>('GET', `?limit=100${query}`, undefined, headers)).json.data.map(({ project_id }) => project_id));
/** How long until it comes about, which must be soon. */
async function comesAbout(condition: () => Promise<boolean>): Promise<number> {
  const beganAt = performance.now();
  await until(condition, 5000);
  return performance.now() - beganAt;
}

describe('POST /api/v1/keys', () => {
  test('201 with the key, which works in both headers and is nowhere shown again', async () => {
    const { status, headers, json } = await ask('POST', '', { name: 'shop', rpm: 60, budget: { usd: 20, period: 'month' } });
    expect([status, headers.get('cache-control'), headers.get('location')]).toEqual([201, 'no-store', `/api/v1/keys/${json.id}`]);
    expect(json.key).toMatch(/^sk-sluice-[0-9A-Za-z]{43,}$/);
    expect(json.key).toStartWith(json.prefix);
    expect(json).toMatchObject({ name: 'shop', project_id: 'default', rpm: 60, budget: { usd: 20, period: 'month' }, status: 'active', last_used_at: null });
    expect((await generate(json.key)).status).toBe(200);
    expect((await call(`${sluice.url}/generate`, { json: { prompt: 'hi' }, headers: { authorization: `Bearer ${json.key}` } })).status).toBe(200);
    const { key: _, ...shown } = json;
    const again = await ask('GET', `/${json.id}`);
    expect<object>({ ...again.json, last_used_at: null }).toEqual(shown);
    expect((await ask<Listed>('GET', '')).text).not.toContain(json.key);
  });

  test('a member’s key is the member’s, and an administrator’s for another project is that project’s', async () => {
    expect(await create({}, other.member)).toMatchObject({ project_id: 'prj_other', user_id: 'usr_stranger' });
    expect(await create({ project_id: 'prj_other' })).toMatchObject({ project_id: 'prj_other', user_id: null });
    expect(await create({ project_id: 'prj_other', user_id: 'usr_stranger' })).toMatchObject({ user_id: 'usr_stranger' });
    expect(await create({ user_id: null })).toMatchObject({ project_id: 'default', user_id: null });
  });

  const wrong: readonly [name: string, body: object, field: string, who?: 'member'][] = [
    ['no name', { name: undefined }, 'name'],
    ['a blank name', { name: '  ' }, 'name'],
    ['a name of two lines', { name: 'a\nb' }, 'name'],
    ['a name that the database cannot hold', { name: 'a\u0000' }, 'name'],
    ['an end in the past', { expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    ['an end that is no time', { expires_at: 'tomorrow' }, 'expires_at'],
    ['no models at all', { allowed_models: [] }, 'allowed_models'],
    ['a route that is none', { allowed_routes: ['generate'] }, 'allowed_routes[0]'],
    ['a star in the middle of a route', { allowed_routes: ['/v1/*/models'] }, 'allowed_routes[0]'],
    ['no calls a minute', { rpm: 0 }, 'rpm'],
    ['a fraction of a call', { max_parallel: 1.5 }, 'max_parallel'],
    ['a budget below nothing', { budget: { usd: -1, period: 'day' } }, 'budget.usd'],
    ['a budget without a period', { budget: { usd: 1 } }, 'budget.period'],
    ['a budget for a year', { budget: { usd: 1, period: 'year' } }, 'budget.period'],
    ['a project that there is not', { project_id: 'prj_none' }, 'project_id'],
    ['another’s project', { project_id: 'default' }, 'project_id', 'member'],
    ['another’s account', { user_id: 'usr_onlooker' }, 'user_id', 'member'],
    ['nobody’s account', { user_id: null }, 'user_id', 'member'],
    ['the account of a viewer', { user_id: 'usr_onlooker' }, 'user_id'],
    ['an unknown field', { colour: 'red' }, 'colour'],
  ];
  test.each(wrong.map(([name, ...rest]) => [name, rest] as const))('422 for %s', async (_name, [body, field, who]) => {
    const { status, json } = await ask<Failed>('POST', '', { name: 'shop', ...body }, who === 'member' ? other.member : admin);
    expect([status, json.error?.field]).toEqual([422, field]);
  });
});

describe('GET /api/v1/keys', () => {
  test('lists a project’s keys for its people, newest first and in pages, while new ones are made', async () => {
    const made: string[] = [];
    for (let nth = 0; nth < 5; nth++) made.unshift((await create({ name: `page ${nth}` }, other.member)).id);
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 3; page++) {
      const { json } = await ask<Listed>('GET', `?limit=2${cursor}`, undefined, other.member);
      seen.push(...json.data.map(({ id }) => id));
      cursor = `&cursor=${json.next_cursor}`;
      expect(json.has_more).toBe(true);
      await create({ name: 'meanwhile' }, other.member);
    }
    expect(seen.slice(0, 5)).toEqual(made);
    expect(new Set(seen).size).toBe(6);
  });

  test('shows an administrator those of all projects or of one, and others no project but theirs', async () => {
    await create({}, other.member);
    await create();
    expect(await projectsSeen('', admin)).toEqual(new Set(['default', 'prj_other']));
    expect(await projectsSeen('&project_id=prj_other', admin)).toEqual(new Set(['prj_other']));
    expect(await projectsSeen('', other.member)).toEqual(new Set(['prj_other']));
    expect(await projectsSeen('&project_id=default', other.member)).toEqual(new Set());
    expect(await projectsSeen('', viewer)).toEqual(new Set(['default']));
  });

  test('422 for a cursor that is none', async () => {
    expect((await ask<Failed>('GET', '?cursor=%00')).json.error).toMatchObject({ code: 'INVALID_VALUE', field: 'cursor' });
  });
});

describe('a key of the path', () => {
  test('404 where there is none, where it is another project’s, and where no id could be so', async () => {
    const { id } = await create();
    for (const [path, headers] of [
      ['/key_none', admin],
      ['/%00', admin],
      [`/${id}`, other.member],
    ] as const) {
      expect((await ask('GET', path, undefined, headers)).status).toBe(404);
      expect((await ask('PATCH', path, { name: 'mine' }, headers)).status).toBe(404);
      expect((await ask('DELETE', path, undefined, headers)).status).toBe(404);
      expect((await ask('POST', `${path}/rotate`, {}, headers)).status).toBe(404);
    }
    expect((await ask('GET', `/${id}`)).json.name).toBe('shop');
  });

  test('a viewer may look and not touch, and a key may do neither', async () => {
    const { id, key } = await create();
    expect((await ask('GET', `/${id}`, undefined, viewer)).status).toBe(200);
    for (const headers of [viewer, { authorization: `Bearer ${key}` }, { 'x-api-key': key }]) {
      expect((await ask('PATCH', `/${id}`, { rpm: 1 }, headers)).status).toBe(403);
      expect((await ask('DELETE', `/${id}`, undefined, headers)).status).toBe(403);
      expect((await ask('POST', `/${id}/rotate`, {}, headers)).status).toBe(403);
      expect((await ask('POST', '', { name: 'more' }, headers)).status).toBe(403);
    }
    expect((await ask('GET', '', undefined, { 'x-api-key': key })).status).toBe(403);
  });

  test('PATCH changes what it names and nothing else, and null takes away', async () => {
    const key = await create({ rpm: 5, tpm: 1000, expires_at: '2999-01-01T00:00:00+02:00', budget: { usd: 0.1, period: 'day' } });
    const changed = await ask('PATCH', `/${key.id}`, { rpm: null, name: 'café', allowed_models: ['demo'] });
    expect(changed.json).toMatchObject({ name: 'café', rpm: null, tpm: 1000, allowed_models: ['demo'], budget: { usd: 0.1, period: 'day' } });
    expect(changed.json).toMatchObject({ expires_at: '2998-12-31T22:00:00.000Z' });
    expect((await ask('PATCH', `/${key.id}`, { budget: null, expires_at: null })).json).toMatchObject({ budget: null, expires_at: null, tpm: 1000 });
    expect((await ask('PATCH', `/${key.id}`, {})).json).toMatchObject({ name: 'café', tpm: 1000 });
  });
});

describe('a change is seen by every process within a second:', () => {
  test('a key that was just made works at once, and stops when it is revoked', async () => {
    const { id, key } = await create();
    expect((await generate(key, replica)).status).toBe(200);
    expect((await ask('DELETE', `/${id}`)).status).toBe(204);
    expect(await comesAbout(async () => (await generate(key, replica)).status === 401)).toBeLessThan(WITHIN_MS);
    expect((await generate(key)).status).toBe(401);
    expect((await ask('GET', `/${id}`)).status).toBe(404);
    expect((await ask<Listed>('GET', '?limit=100')).json.data.map((one) => one.id)).not.toContain(id);
  });

  test('its routes', async () => {
    const { id, key } = await create({ allowed_routes: ['/generate'] });
    expect((await generate(key, replica)).status).toBe(200);
    await ask('PATCH', `/${id}`, { allowed_routes: ['/v1/*'] });
    expect(await comesAbout(async () => (await generate(key, replica)).status === 403)).toBeLessThan(WITHIN_MS);
    expect((await generate(key, replica)).json.error).toMatchObject({ code: 'FORBIDDEN', details: { allowed_routes: ['/v1/*'] } });
  });

  test('its end', async () => {
    const { key } = await create({ expires_at: new Date(Date.now() + 1000).toISOString() });
    expect((await generate(key, replica)).status).toBe(200);
    expect(await comesAbout(async () => (await generate(key, replica)).status === 401)).toBeLessThan(1000 + WITHIN_MS);
  });
});

test('a stream that is under way is ended within ten seconds of a revocation, and says so', async () => {
  const { id, key } = await create();
  const headers = { 'x-api-key': key, 'content-type': 'application/json' };
  const body = JSON.stringify({ prompt: 'word '.repeat(190), model: 'demo-slow' });
  const response = await fetch(`${replica.url}/generate?stream=true`, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  const revokedAt = performance.now();
  await ask('DELETE', `/${id}`);
  const text = await response.text();
  expect(text).toContain('event: error');
  expect(text).toContain('"code":"UNAUTHORIZED"');
  expect(performance.now() - revokedAt).toBeLessThan(10_000);
}, 30_000);

describe('POST /api/v1/keys/{id}/rotate', () => {
  test('gives another secret, beside which the one before works until the overlap ends', async () => {
    const first = await create();
    const second = (await ask('POST', `/${first.id}/rotate`, { overlap_s: 2 })).json;
    const endsAt = performance.now() + 2000;
    expect(second).toMatchObject({ id: first.id, name: 'shop' });
    expect(second.overlap_until).not.toBeNull();
    expect(second.key).not.toBe(first.key);
    expect(second.key).toStartWith(second.prefix);
    expect([(await generate(first.key, replica)).status, (await generate(second.key, replica)).status]).toEqual([200, 200]);
    await until(async () => (await generate(first.key, replica)).status === 401);
    expect(performance.now()).toBeGreaterThan(endsAt - 100);
    expect(performance.now()).toBeLessThan(endsAt + WITHIN_MS);
    expect((await generate(second.key, replica)).status).toBe(200);
  });

  test('ends the one before at once where no overlap is wanted, and a day later where nothing is said', async () => {
    const first = await create();
    const second = (await ask('POST', `/${first.id}/rotate`, {})).json;
    expect(Date.parse(second.overlap_until ?? '') - Date.now()).toBeGreaterThan(86_000_000);
    const third = (await ask('POST', `/${first.id}/rotate`, { overlap_s: 0 })).json;
    await until(async () => (await generate(second.key)).status === 401);
    expect([(await generate(first.key)).status, (await generate(third.key)).status]).toEqual([401, 200]);
  });

  test('of ten at once each gives a secret that works, or none does', async () => {
    const { id } = await create();
    const all = await Promise.all(Array.from({ length: 10 }, () => ask('POST', `/${id}/rotate`, { overlap_s: 60 })));
    expect(all.map(({ status }) => status)).toEqual(Array<number>(10).fill(200));
    expect(await Promise.all(all.map(async ({ json }) => (await generate(json.key)).status))).toEqual(Array<number>(10).fill(200));
  });

  test('409 for a key that has expired', async () => {
    const { id, key } = await create({ expires_at: new Date(Date.now() + 300).toISOString() });
    await until(async () => (await ask('GET', `/${id}`)).json.status === 'expired');
    expect((await ask('POST', `/${id}/rotate`, {})).status).toBe(409);
    await ask('PATCH', `/${id}`, { expires_at: null });
    expect((await ask('POST', `/${id}/rotate`, {})).status).toBe(200);
    await until(async () => (await generate(key)).status === 200);
  });

  test('422 for an overlap that is too long or none', async () => {
    const { id } = await create();
    for (const overlap_s of [-1, 1.5, 10_000_000, '60']) expect((await ask('POST', `/${id}/rotate`, { overlap_s })).status).toBe(422);
  });
});

describe('a key that is used', () => {
  test('says when, and rests while its user may not', async () => {
    const mine = await create({}, other.member);
    expect((await generate(mine.key)).status).toBe(200);
    await until(async () => (await ask('GET', `/${mine.id}`)).json.last_used_at !== null);
    await run(database.urlOf(sluice), `update users set role = 'viewer' where username = 'stranger'`);
    await until(async () => (await generate(mine.key)).status === 401);
    expect((await ask('GET', `/${mine.id}`)).json.status).toBe('resting');
    await run(database.urlOf(sluice), `update users set role = 'member' where username = 'stranger'`);
    await until(async () => (await generate(mine.key)).status === 200);
  });

  test('is never in the log', async () => {
    const { key } = await create();
    await generate(key);
    await call(`${sluice.url}/auth/me`, { headers: { authorization: `Bearer ${key}` } });
    expect(JSON.stringify(sluice.logs()) + sluice.stderr()).not.toContain(key.slice(16));
  });

  test('lists only the models that it may call', async () => {
    const { key } = await create({ allowed_models: ['demo'] });
    const models = await call<{ data: { id: string }[] }>(`${sluice.url}/api/v1/models`, { headers: { 'x-api-key': key } });
    expect(models.json.data.map(({ id }) => id).toSorted()).toEqual(['demo', 'demo/demo']);
    expect((await generate(key, sluice, '/generate', { prompt: 'hi', model: 'demo-slow' })).status).toBe(403);
    expect((await call<{ data: unknown[] }>(`${sluice.url}/api/v1/models`, { headers: admin })).json.data.length).toBeGreaterThan(1);
  });
});
