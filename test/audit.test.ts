import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { ADMIN, call } from './harness.ts';
import { type Listed, openPeople, type People, type User } from './people.ts';

/** Hashing passwords takes what it takes, on a busy machine too. */
setDefaultTimeout(30_000);

let people: People;
beforeAll(async () => {
  people = await openPeople();
}, 60_000);
afterAll(() => people.stop());

type Event = {
  readonly action: string;
  readonly target_id: string;
  readonly project_id: string;
  readonly actor: { readonly kind: string; readonly id: string | null; readonly name: string | null };
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly request_id: string;
};

const events = async (filter: string): Promise<readonly Event[]> => (await people.ask<Listed<Event>>('GET', `/api/v1/audit?limit=100&${filter}`)).json.data;

describe('the audit log', () => {
  test('tells every change with who, what it was and what it is', async () => {
    const project = await people.newProject({ name: 'Audited' });
    const user = await people.newUser({ project_id: project.id, rpm: 5 });
    await people.ask('PATCH', `/api/v1/users/${user.id}`, { rpm: 6 }, { ...people.admin, 'x-request-id': 'the-change' });
    const headers = await people.asUser(user);
    const key = (await call<{ id: string }>(`${people.sluice.url}/api/v1/keys`, { json: { name: 'mine' }, headers })).json;
    await call(`${people.sluice.url}/api/v1/keys/${key.id}`, { method: 'PATCH', json: { name: 'ours' }, headers });
    await call(`${people.sluice.url}/api/v1/keys/${key.id}/rotate`, { json: {}, headers });
    await call(`${people.sluice.url}/api/v1/keys/${key.id}`, { method: 'DELETE', headers });
    const messages = [{ role: 'user', content: '{{ input }}' }];
    await people.ask('POST', '/api/v1/templates', { name: 'audited', messages }, headers);
    await people.ask('DELETE', '/api/v1/templates/audited_v1', undefined, headers);
    await people.ask('PATCH', `/api/v1/users/${user.id}`, { reset_password: true });
    await people.ask('DELETE', `/api/v1/users/${user.id}`);
    await people.ask('PATCH', `/api/v1/projects/${project.id}`, { name: 'Renamed' });
    await people.ask('DELETE', `/api/v1/projects/${project.id}?confirm=${project.id}`);
    const told = await events(`project_id=${project.id}`);
    expect(told.map(({ action }) => action).toReversed()).toEqual([
      'project.create',
      'user.create',
      'user.update',
      'user.sign_in',
      'key.create',
      'key.update',
      'key.rotate',
      'key.revoke',
      'template.create',
      'template.delete',
      'user.reset_password',
      'user.delete',
      'project.update',
      'project.delete',
    ]);
    const update = told.find(({ action }) => action === 'user.update');
    expect(update).toMatchObject({ actor: { kind: 'user', id: people.adminId, name: ADMIN.username }, target_id: user.id, request_id: 'the-change' });
    expect([update?.before, update?.after]).toEqual([{ rpm: 5 }, { rpm: 6 }]);
    expect(told.find(({ action }) => action === 'key.update')).toMatchObject({ actor: { id: user.id }, before: { name: 'mine' }, after: { name: 'ours' } });
  });

  test('keeps nothing of a change that was refused', async () => {
    const before = await events('action=user.update');
    expect((await people.ask('PATCH', `/api/v1/users/${people.adminId}`, { role: 'viewer' })).status).toBe(409);
    expect(await events('action=user.update')).toEqual(before);
  });

  test('is found by action, kind of action, actor, target and time, in pages', async () => {
    const user = await people.newUser();
    await people.logIn(user.username, 'wrong');
    await people.logIn(user.username);
    expect((await events(`target=${user.id}`)).map(({ action }) => action)).toEqual(['user.sign_in', 'user.sign_in_refused', 'user.create']);
    expect((await events(`target=${user.id}&action=user.create`)).map(({ action }) => action)).toEqual(['user.create']);
    expect((await events(`target=${user.id}&action=project.*`)).length).toBe(0);
    expect((await events(`actor=${user.id}`)).map(({ action }) => action)).toEqual(['user.sign_in']);
    expect((await events(`actor=${encodeURIComponent(user.username)}`)).length).toBe(1);
    const today = new Date().toISOString().slice(0, 10);
    expect((await events(`target=${user.id}&from=${today}&to=${today}`)).length).toBe(3);
    expect((await events(`target=${user.id}&to=2020-01-01`)).length).toBe(0);
    const first = await people.ask<Listed<Event>>('GET', `/api/v1/audit?limit=2&target=${user.id}`);
    const rest = await people.ask<Listed<Event>>('GET', `/api/v1/audit?limit=2&target=${user.id}&cursor=${first.json.next_cursor}`);
    expect([first.json.data.length, rest.json.data.map(({ action }) => action)]).toEqual([2, ['user.create']]);
  });

  test('422 for a filter that is none', async () => {
    for (const query of ['action=drop%20table', 'from=yesterday', 'limit=0', 'target=%00', 'actor=%00', 'colour=red']) {
      expect([query, (await people.ask('GET', `/api/v1/audit?${query}`)).status]).toEqual([query, 422]);
    }
  });

  test('is for administrators', async () => {
    expect((await people.ask('GET', '/api/v1/audit', undefined, await people.asUser(await people.newUser()))).status).toBe(403);
  });
});

test('no secret is in any table, in the log or in an error', async () => {
  const user = await people.newUser({ password: 'planted kettle one lamp' });
  const generated = (await people.ask<User>('POST', '/api/v1/users', { username: 'planted', role: 'member' })).json.password ?? '';
  const reset = (await people.ask<User>('PATCH', `/api/v1/users/${user.id}`, { reset_password: true })).json.password ?? '';
  const key = (await people.ask<{ id: string; key: string }>('POST', '/api/v1/keys', { name: 'planted' }, { ...people.admin, 'idempotency-key': 'planted' }))
    .json;
  const rotated = (await people.ask<{ key: string }>('POST', `/api/v1/keys/${key.id}/rotate`, {})).json;
  await people.logIn('planted kettle two lamp', 'planted kettle three lamp');
  await people.logIn(user.username, 'planted kettle four lamp');
  const tokens = (await people.logIn(user.username, reset)).json as unknown as { access_token: string; refresh_token: string };
  const refused = [
    await people.ask('POST', '/generate', { prompt: 'hi' }, { 'x-api-key': `${key.key}x` }),
    await people.ask('POST', '/generate', { prompt: 'hi' }, { authorization: `Bearer ${tokens.access_token}x` }),
    await people.ask('POST', '/api/v1/users', { username: 'planted', role: 'member', password: 'planted kettle five lamp' }),
  ];
  const planted = ['planted kettle', ADMIN.password, generated, reset, key.key, rotated.key, tokens.access_token, tokens.refresh_token];
  expect(planted.every((secret) => secret.length > 10)).toBe(true);
  const tables = await people.rows<{ name: string }>(`select tablename as name from pg_tables where schemaname = 'public'`);
  expect(tables.length).toBeGreaterThan(10);
  const dumps = await Promise.all(
    tables.map(
      async ({ name }) => [name, (await people.rows<{ row: string }>(`select t::text as row from ${name} t`)).map(({ row }) => row).join('\n')] as const,
    ),
  );
  const places = [
    ...dumps,
    ['the log', JSON.stringify(people.sluice.logs()) + people.sluice.stderr()],
    ['the errors', refused.map(({ text }) => text).join('\n')],
  ] as const;
  for (const [place, text] of places) expect([place, planted.filter((secret) => text.includes(secret))]).toEqual([place, []]);
  const all = dumps.map(([, text]) => text).join('\n');
  expect([all.includes(rotated.key.slice(0, 16)), all.includes(rotated.key.slice(16, 40))]).toEqual([true, false]);
});
