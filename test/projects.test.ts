import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { type Answered, until } from './harness.ts';
import { comesAbout, type Failed, type Listed, openPeople, type People, type Project, WITHIN_MS } from './people.ts';

/** Hashing passwords takes what it takes, on a busy machine too. */
setDefaultTimeout(30_000);

let people: People;
beforeAll(async () => {
  people = await openPeople();
}, 60_000);
afterAll(() => people.stop());

describe('projects', () => {
  test('201, 200 and 200: made, shown and changed', async () => {
    const project = await people.newProject({ time_zone: 'Europe/Madrid', budget: { usd: 100, period: 'month' } });
    expect(project).toMatchObject({ name: 'Shop', time_zone: 'Europe/Madrid', budget: { usd: 100, period: 'month' } });
    expect((await people.ask<Project>('GET', `/api/v1/projects/${project.id}`)).json).toEqual(project);
    const changed = await people.ask<Project>('PATCH', `/api/v1/projects/${project.id}`, { budget: null, time_zone: 'America/Los_Angeles' });
    expect(changed.json).toMatchObject({ name: 'Shop', budget: null, time_zone: 'America/Los_Angeles' });
    expect((await people.ask<Listed<Project>>('GET', '/api/v1/projects?limit=1')).json.data.map(({ id }) => id)).toEqual([project.id]);
  });

  test('are seen by their people alone, who cannot change them', async () => {
    const project = await people.newProject();
    const headers = await people.asUser(await people.newUser({ project_id: project.id }));
    expect((await people.ask<Listed<Project>>('GET', '/api/v1/projects', undefined, headers)).json.data.map(({ id }) => id)).toEqual([project.id]);
    expect((await people.ask('GET', `/api/v1/projects/${project.id}`, undefined, headers)).status).toBe(200);
    expect((await people.ask('GET', '/api/v1/projects/default', undefined, headers)).status).toBe(404);
    for (const [method, path, body] of [
      ['POST', '', { name: 'Mine' }],
      ['PATCH', `/${project.id}`, { budget: null }],
      ['DELETE', `/${project.id}?confirm=${project.id}`],
    ] as const) {
      expect([method, (await people.ask(method, `/api/v1/projects${path}`, body, headers)).status]).toEqual([method, 403]);
    }
  });

  const wrong: readonly [name: string, body: object, field: string][] = [
    ['no name', { name: undefined }, 'name'],
    ['a time zone that there is not', { time_zone: 'Mars/Olympus' }, 'time_zone'],
    ['an offset for a time zone', { time_zone: '+01:00' }, 'time_zone'],
    ['a budget without end', { budget: { usd: 1e9, period: 'day' } }, 'budget.usd'],
  ];
  test.each(wrong.map(([name, ...rest]) => [name, rest] as const))('422 for %s', async (_name, [body, field]) => {
    const { status, json } = await people.ask('POST', '/api/v1/projects', { name: 'Shop', ...body });
    expect([status, json.error?.field]).toEqual([422, field]);
  });

  test('404 for one that there is not', async () => {
    for (const [method, body] of [['GET'], ['PATCH', { name: 'x' }], ['DELETE']] as const) {
      expect((await people.ask(method, '/api/v1/projects/prj_none', body)).status).toBe(404);
      expect((await people.ask(method, '/api/v1/projects/%00', body)).status).toBe(404);
    }
  });

  test('DELETE asks for the id once more, and spares the default one and those with users', async () => {
    const project = await people.newProject();
    const user = await people.newUser({ project_id: project.id });
    const remove = (query = ''): Promise<Answered<Failed>> => people.ask('DELETE', `/api/v1/projects/${project.id}${query}`);
    expect((await remove()).json.error).toMatchObject({ code: 'INVALID_VALUE', field: 'confirm' });
    expect((await remove('?confirm=default')).status).toBe(422);
    expect((await remove(`?confirm=${project.id}`)).json.error).toMatchObject({ code: 'CONFLICT', details: { users: 1 } });
    expect((await people.ask('DELETE', '/api/v1/projects/default?confirm=default')).status).toBe(409);
    await people.ask('DELETE', `/api/v1/users/${user.id}`);
    expect((await remove(`?confirm=${project.id}`)).status).toBe(204);
    expect((await people.ask('GET', `/api/v1/projects/${project.id}`)).status).toBe(404);
  });

  test('DELETE takes all that the project owns with it, and nothing of others', async () => {
    const project = await people.newProject({ budget: { usd: 100, period: 'month' } });
    const json = { name: 'shop', project_id: project.id, budget: { usd: 1, period: 'day' } };
    const { key } = (await people.ask<{ key: string }>('POST', '/api/v1/keys', json)).json;
    const headers = { 'x-api-key': key, 'idempotency-key': 'one' };
    const template = { name: 'greeting', messages: [{ role: 'user', content: 'Hello, {{ input }}' }] };
    expect((await people.ask('POST', '/api/v1/templates', template, { 'x-api-key': key })).status).toBe(201);
    expect((await people.ask('POST', '/generate', { prompt: 'of the project' }, headers)).status).toBe(200);
    await until(async () => (await rowsOf(project.id)).get('ledger') === 1);
    const before = await rowsOf(project.id);
    const kept = await rowsOf('default');
    expect([...before].filter(([, count]) => count > 0).map(([table]) => table)).toEqual(
      expect.arrayContaining(['api_keys', 'idempotency_keys', 'ledger', 'templates', 'usage_quarters']),
    );
    expect((await people.ask('DELETE', `/api/v1/projects/${project.id}?confirm=${project.id}`)).status).toBe(204);
    const left = [...(await rowsOf(project.id))].filter(([table, count]) => count > 0 && table !== 'audit_events');
    expect(left).toEqual([]);
    expect(new Map([...(await rowsOf('default'))].filter(([table]) => table !== 'audit_events'))).toEqual(
      new Map([...kept].filter(([table]) => table !== 'audit_events')),
    );
    expect(await comesAbout(async () => (await people.ask('POST', '/generate', { prompt: 'hi' }, { 'x-api-key': key })).status === 401)).toBeLessThan(
      WITHIN_MS,
    );
  });
});

/** How many rows of each table belong to a project. */
async function rowsOf(projectId: string): Promise<Map<string, number>> {
  const tables = await people.rows<{ name: string }>(
    `select c.table_name as name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and c.column_name = 'project_id' and t.table_type = 'BASE TABLE'
       and not exists (select 1 from pg_inherits where inhrelid = c.table_name::regclass) order by 1`,
  );
  const counts = new Map<string, number>();
  for (const { name } of tables) {
    const [row] = await people.rows<{ count: number }>(`select count(*)::int as count from ${name} where project_id = $1`, [projectId]);
    counts.set(name, row?.count ?? 0);
  }
  return counts;
}
