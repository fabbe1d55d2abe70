import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { type Answered, call, until } from './harness.ts';
import { comesAbout, type Headers, type Listed, openPeople, PASSWORD, type People, type User, WITHIN_MS } from './people.ts';

/** Hashing passwords takes what it takes, on a busy machine too. */
setDefaultTimeout(30_000);

let people: People;
beforeAll(async () => {
  people = await openPeople();
}, 60_000);
afterAll(() => people.stop());

const me = (headers: Headers): Promise<Answered<{ role: string; project_id: string }>> => people.ask('GET', '/auth/me', undefined, headers);

describe('POST /api/v1/users', () => {
  test('201 with a password that was made and is shown once, and the user can sign in with it', async () => {
    const { status, headers, json } = await people.ask<User>('POST', '/api/v1/users', {
      username: 'Grace',
      role: 'viewer',
      rpm: 10,
      budget: { usd: 5, period: 'day' },
    });
    expect([status, headers.get('cache-control'), headers.get('location')]).toEqual([201, 'no-store', `/api/v1/users/${json.id}`]);
    expect(json).toMatchObject({ username: 'Grace', role: 'viewer', project_id: 'default', disabled: false, rpm: 10, budget: { usd: 5, period: 'day' } });
    const { password = '', ...shown } = json;
    expect((await people.logIn('grace', password)).status).toBe(200);
    expect((await people.ask<User>('GET', `/api/v1/users/${json.id}`)).json).toEqual(shown);
    expect((await people.ask('GET', '/api/v1/users')).text).not.toContain(password);
  });

  test('201 with a password that is given, which is not shown', async () => {
    const user = await people.newUser();
    expect(user).not.toHaveProperty('password');
    expect((await people.logIn(user.username)).status).toBe(200);
  });

  test('409 for a name that there is, in whatever case', async () => {
    const { username } = await people.newUser();
    const { status, json } = await people.ask('POST', '/api/v1/users', { username: username.toUpperCase(), role: 'member' });
    expect([status, json.error.code, json.error.field]).toEqual([409, 'CONFLICT', 'username']);
  });

  const wrong: readonly [name: string, body: object, field: string][] = [
    ['no name', { username: undefined }, 'username'],
    ['a name of spaces', { username: ' ' }, 'username'],
    ['a name that begins with a space', { username: ' x' }, 'username'],
    ['a name that the database cannot hold', { username: 'x\u0000' }, 'username'],
    ['no role', { role: undefined }, 'role'],
    ['an unknown role', { role: 'owner' }, 'role'],
    ['a password that is too short', { password: 'abc' }, 'password'],
    ['a project that there is not', { project_id: 'prj_none' }, 'project_id'],
    ['a limit of nothing', { tpm: 0 }, 'tpm'],
    ['an unknown field', { admin: true }, 'admin'],
  ];
  test.each(wrong.map(([name, ...rest]) => [name, rest] as const))('422 for %s', async (_name, [body, field]) => {
    const { status, json } = await people.ask('POST', '/api/v1/users', { username: 'somebody', role: 'member', ...body });
    expect([status, json.error?.field]).toEqual([422, field]);
  });

  test('never says a password that it refuses', async () => {
    expect((await people.ask('POST', '/api/v1/users', { username: 'somebody', role: 'member', password: 'qzx' })).text).not.toContain('qzx');
  });
});

describe('GET /api/v1/users', () => {
  test('lists all, newest first and in pages, or those of one project', async () => {
    const project = await people.newProject();
    const ids: string[] = [];
    for (let nth = 0; nth < 3; nth++) ids.unshift((await people.newUser({ project_id: project.id })).id);
    const first = await people.ask<Listed<User>>('GET', `/api/v1/users?limit=2&project_id=${project.id}`);
    const second = await people.ask<Listed<User>>('GET', `/api/v1/users?limit=2&project_id=${project.id}&cursor=${first.json.next_cursor}`);
    expect([...first.json.data, ...second.json.data].map(({ id }) => id)).toEqual(ids);
    expect([first.json.has_more, second.json.has_more, second.json.next_cursor]).toEqual([true, false, null]);
    expect((await people.ask<Listed<User>>('GET', '/api/v1/users?limit=100')).json.data.map(({ id }) => id)).toContain(people.adminId);
  });

  test('404 for one that there is not', async () => {
    for (const id of ['usr_none', '%00', 'a.b']) {
      for (const [method, body] of [['GET'], ['PATCH', { rpm: 1 }], ['PATCH', { password: PASSWORD }], ['DELETE']] as const) {
        expect([id, method, (await people.ask(method, `/api/v1/users/${id}`, body)).status]).toEqual([id, method, 404]);
      }
    }
  });
});

describe('PATCH /api/v1/users/{id}', () => {
  test('changes what it names and nothing else', async () => {
    const user = await people.newUser({ rpm: 5, tpm: 7, budget: { usd: 1, period: 'total' } });
    const changed = await people.ask<User>('PATCH', `/api/v1/users/${user.id}`, { rpm: null, role: 'viewer' });
    expect(changed.json).toMatchObject({ rpm: null, tpm: 7, role: 'viewer', budget: { usd: 1, period: 'total' } });
    expect((await people.ask<User>('PATCH', `/api/v1/users/${user.id}`, { budget: null })).json).toMatchObject({ budget: null, tpm: 7 });
    expect((await people.ask<User>('PATCH', `/api/v1/users/${user.id}`, {})).json).toMatchObject({ tpm: 7 });
  });

  test('ends the sign-ins of who is disabled within a second, and lets nobody in until it is over', async () => {
    const user = await people.newUser();
    const headers = await people.asUser(user);
    const key = await call<{ key: string }>(`${people.sluice.url}/api/v1/keys`, { json: { name: 'mine' }, headers });
    const generate = async (): Promise<number> => (await people.ask('POST', '/generate', { prompt: 'hi' }, { 'x-api-key': key.json.key })).status;
    expect([(await me(headers)).status, await generate()]).toEqual([200, 200]);
    await people.ask('PATCH', `/api/v1/users/${user.id}`, { disabled: true });
    expect(await comesAbout(async () => (await people.ask('GET', '/api/v1/keys', undefined, headers)).status === 401)).toBeLessThan(WITHIN_MS);
    expect(await comesAbout(async () => (await generate()) === 401)).toBeLessThan(WITHIN_MS);
    expect((await people.logIn(user.username)).status).toBe(401);
    await people.ask('PATCH', `/api/v1/users/${user.id}`, { disabled: false });
    expect((await people.logIn(user.username)).status).toBe(200);
    await until(async () => (await generate()) === 200);
  });

  test('gives a role and a project that count within a second', async () => {
    const [user, project] = [await people.newUser(), await people.newProject()];
    const headers = await people.asUser(user);
    expect((await people.ask('GET', '/api/v1/users', undefined, headers)).status).toBe(403);
    await people.ask('PATCH', `/api/v1/users/${user.id}`, { role: 'admin', project_id: project.id });
    expect(await comesAbout(async () => (await people.ask('GET', '/api/v1/users', undefined, headers)).status === 200)).toBeLessThan(WITHIN_MS);
    expect((await me(headers)).json).toMatchObject({ role: 'admin', project_id: project.id });
    await people.ask('PATCH', `/api/v1/users/${user.id}`, { role: 'viewer' });
  });

  test('sets a password, or makes one, which ends every sign-in', async () => {
    const user = await people.newUser();
    const headers = await people.asUser(user);
    const given = await people.ask<User>('PATCH', `/api/v1/users/${user.id}`, { password: 'brand new kettle lamp' });
    expect(given.json).not.toHaveProperty('password');
    expect([(await people.logIn(user.username)).status, (await people.logIn(user.username, 'brand new kettle lamp')).status]).toEqual([401, 200]);
    await until(async () => (await me(headers)).status === 401);
    const { password = '' } = (await people.ask<User>('PATCH', `/api/v1/users/${user.id}`, { reset_password: true })).json;
    expect([(await people.logIn(user.username, 'brand new kettle lamp')).status, (await people.logIn(user.username, password)).status]).toEqual([401, 200]);
    expect((await people.ask('PATCH', `/api/v1/users/${user.id}`, { password: PASSWORD, reset_password: true })).json.error.field).toBe('password');
  });
});

describe('the last administrator', () => {
  test('cannot be deleted, disabled or demoted: 409', async () => {
    for (const [method, body] of [['DELETE'], ['PATCH', { disabled: true }], ['PATCH', { role: 'member' }], ['PATCH', { role: 'viewer', rpm: 5 }]] as const) {
      const { status, json } = await people.ask(method, `/api/v1/users/${people.adminId}`, body);
      expect([status, json.error.code]).toEqual([409, 'CONFLICT']);
    }
    const disabled = await people.newUser({ role: 'admin' });
    await people.ask('PATCH', `/api/v1/users/${disabled.id}`, { disabled: true });
    expect((await people.ask('PATCH', `/api/v1/users/${people.adminId}`, { role: 'member' })).status).toBe(409);
    expect((await people.ask<User>('GET', `/api/v1/users/${people.adminId}`)).json).toMatchObject({ role: 'admin', disabled: false, rpm: null });
    expect((await people.ask('PATCH', `/api/v1/users/${people.adminId}`, { rpm: null })).status).toBe(200);
  });

  test('is left, whatever two of them do to each other at once', async () => {
    for (let round = 0; round < 5; round++) {
      const second = await people.newUser({ role: 'admin' });
      const headers = await people.asUser(second);
      const demote = { role: 'member' };
      const [first, other] = await Promise.all([
        people.ask('PATCH', `/api/v1/users/${second.id}`, demote),
        people.ask('PATCH', `/api/v1/users/${people.adminId}`, demote, headers),
      ]);
      const statuses = [first.status, other.status];
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect([403, 409]).toContain(Math.max(...statuses));
      const left = other.status === 200 ? headers : people.admin;
      await people.ask('PATCH', `/api/v1/users/${people.adminId}`, { role: 'admin' }, left);
      await people.ask('PATCH', `/api/v1/users/${second.id}`, demote, left);
      await until(async () => (await people.ask('GET', '/api/v1/users')).status === 200);
    }
  });
});

describe('DELETE /api/v1/users/{id}', () => {
  test('204, and within a second nothing of the user works any more', async () => {
    const user = await people.newUser();
    const headers = await people.asUser(user);
    const key = (await call<{ id: string; key: string }>(`${people.sluice.url}/api/v1/keys`, { json: { name: 'mine' }, headers })).json;
    const generate = async (): Promise<number> => (await people.ask('POST', '/generate', { prompt: 'hi' }, { 'x-api-key': key.key })).status;
    expect(await generate()).toBe(200);
    expect((await people.ask('DELETE', `/api/v1/users/${user.id}`)).status).toBe(204);
    expect(await comesAbout(async () => (await people.ask('GET', '/api/v1/keys', undefined, headers)).status === 401)).toBeLessThan(WITHIN_MS);
    expect(await comesAbout(async () => (await generate()) === 401)).toBeLessThan(WITHIN_MS);
    expect((await people.ask('GET', `/api/v1/keys/${key.id}`)).status).toBe(404);
    expect((await people.logIn(user.username)).status).toBe(401);
    expect((await people.ask('DELETE', `/api/v1/users/${user.id}`)).status).toBe(404);
  });
});
