import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { manualClock } from '../../../test/manual-clock.ts';
import { EVERY_PROJECT, type InProject, type Log } from '../../app.ts';
import { createInProject } from '../../platform/postgres/in-project.ts';
import { migrate } from '../../platform/postgres/migrate.ts';
import { type OpenDatabase, openDatabase } from '../../platform/postgres/open.ts';
import { purgeDeletedProjects } from './purge.ts';
import { OWNED_TABLES } from './store.ts';

const log: Log = { debug: () => undefined, info: () => undefined, warning: () => undefined, error: () => undefined };
let dataDir = '';
let database: OpenDatabase;
let inProject: InProject;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sluice-projects-'));
  database = await openDatabase({ databaseUrl: null, dataDir, log });
  await migrate(database.pool, log);
  inProject = createInProject(database.db);
}, 60_000);
afterAll(async () => {
  await database.close();
  await rm(dataDir, { recursive: true, force: true });
}, 20_000);

test('every table with rows of projects is emptied of those of one that is deleted, and is closed to other projects', async () => {
  const { rows } = await sql<{ name: string; closed: boolean }>`
    select relname as name, relrowsecurity and relforcerowsecurity as closed from pg_class
    where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
      and exists (select 1 from pg_attribute where attrelid = pg_class.oid and attname = 'project_id') order by 1`.execute(database.db);
  // The audit log tells of the deletion, and users have to go before their project can.
  const names = rows.map(({ name }) => name).filter((name) => name !== 'audit_events' && name !== 'users');
  expect(names).toEqual(OWNED_TABLES.toSorted());
  expect(rows.filter(({ name, closed }) => !closed && name !== 'users')).toEqual([]);
});

test('what was written after a project was deleted goes too, within a day, and nothing of other projects', async () => {
  const clock = manualClock();
  const add = (projectId: string, name: string): Promise<unknown> =>
    inProject(EVERY_PROJECT, (db) =>
      sql`insert into usage_quarters select * from json_populate_record(null::usage_quarters, ${JSON.stringify({
        ...Object.fromEntries(['user_id', 'key_id', 'provider', 'template_id', 'route', 'job_id'].map((column) => [column, ''])),
        ...Object.fromEntries(['calls', 'failed_calls', 'cached_calls', 'estimated_calls', 'input_tokens', 'cached_input_tokens'].map((column) => [column, 1])),
        ...Object.fromEntries(['output_tokens', 'reasoning_tokens', 'cost_nano_usd', 'saved_nano_usd'].map((column) => [column, 1])),
        bucket: new Date(clock.now()),
        project_id: projectId,
        model: name,
      })})`.execute(db),
    );
  const left = async (): Promise<string[]> =>
    (await inProject(EVERY_PROJECT, (db) => db.selectFrom('usage_quarters').select('project_id').orderBy('project_id').execute())).map((row) => row.project_id);
  const event = {
    id: 'aud_1',
    at: new Date(clock.now()),
    project_id: 'prj_gone',
    actor_kind: 'user',
    action: 'project.delete',
    target_id: 'prj_gone',
  } as const;
  const nobody = { actor_id: null, actor_name: null, address: null, request_id: null, before: null, after: null };
  await inProject('prj_gone', (db) =>
    db
      .insertInto('audit_events')
      .values({ ...event, ...nobody })
      .execute(),
  );
  await add('default', 'one');
  await add('prj_gone', 'late');
  await purgeDeletedProjects({ inProject, clock });
  expect(await left()).toEqual(['default']);
  await clock.advance(86_400_000);
  await add('prj_gone', 'next year');
  await purgeDeletedProjects({ inProject, clock });
  expect(await left()).toEqual(['default', 'prj_gone']);
});
