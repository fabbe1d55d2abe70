import { beforeAll, describe, expect, test } from 'bun:test';
import { manualClock } from '../../../test/manual-clock.ts';
import { AppError } from '../../contract/errors.ts';
import { idMaker } from '../../platform/ids.ts';
import { createInProject } from '../../platform/postgres/in-project.ts';
import { ownDatabase, quiet } from '../../platform/postgres/own-database.test.ts';
import { itemsBefore, keepBegun, keepResponse, purgeResponses, responseAt, settleResponse } from './stored.ts';

const DAY_MS = 86_400_000;
const open = ownDatabase();

beforeAll(async () => {
  await open.db.insertInto('projects').values({ id: 'prj_2', name: 'Two' }).execute();
});

function world() {
  const clock = manualClock(Date.UTC(2026, 10, 21));
  const app = { inProject: createInProject(open.db), clock, newId: idMaker(() => clock.now()), log: quiet };
  const newId = () => app.newId('resp');
  const turn = async (input: string, previous: string | null = null, projectId = 'default'): Promise<string> => {
    const response = { id: newId(), status: 'completed', output: [{ type: 'message', id: app.newId('msg'), role: 'assistant', content: `to ${input}` }] };
    await keepResponse(app, { projectId, requestId: 'req_1', body: { input, previous_response_id: previous } }, response);
    return response.id;
  };
  const begin = async (aliveForS: number | null): Promise<{ projectId: string; id: string }> => {
    const [id, streamId] = [newId(), app.newId('str')];
    const storing = { projectId: 'default', requestId: 'req_1', body: { input: 'Hi', background: true } };
    await keepBegun(app, storing, { id, streamId, response: { id, status: 'in_progress', output: [] } });
    if (aliveForS === null) return { projectId: 'default', id };
    const row = {
      id: streamId,
      project_id: 'default',
      caller: 'user:u',
      surface: 'openai',
      request_id: 'req_1',
      expires_at: new Date(Date.now() + DAY_MS),
    } as const;
    const aliveUntil = new Date(Date.now() + aliveForS * 1000);
    await app.inProject('default', (db) =>
      db
        .insertInto('streams')
        .values({ ...row, alive_until: aliveUntil })
        .execute(),
    );
    return { projectId: 'default', id };
  };
  return { app, clock, turn, begin };
}

async function refusalOf(asked: Promise<unknown>): Promise<string> {
  const cause: unknown = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (cause instanceof AppError) return `${cause.code} ${cause.message.replace(/^"[^"]*" /, '')}`;
  throw new Error(`it was not refused: ${String(cause)}`);
}

describe('what a response goes on from', () => {
  test('is all that was asked and said before, in its order', async () => {
    const { app, turn } = world();
    const id = await turn('three', await turn('two', await turn('one')));
    const items = await itemsBefore(app, { projectId: 'default', id });
    expect(items.map(({ content }) => (typeof content === 'string' ? content : content?.[0]?.text))).toEqual([
      'one',
      'to one',
      'two',
      'to two',
      'three',
      'to three',
    ]);
  });

  test('is refused where it is another project’s, or a part of it is gone', async () => {
    const { app, turn } = world();
    const first = await turn('one');
    const second = await turn('two', first);
    expect(await refusalOf(itemsBefore(app, { projectId: 'prj_2', id: second }))).toBe('INVALID_VALUE cannot be continued: there is no such response');
    expect(await refusalOf(itemsBefore(app, { projectId: 'default', id: '\u0000' }))).toStartWith('INVALID_VALUE');
    await app.inProject('default', (db) => db.deleteFrom('responses').where('id', '=', first).execute());
    expect(await refusalOf(itemsBefore(app, { projectId: 'default', id: second }))).toBe(
      'INVALID_VALUE cannot be continued: a response that it continues is not stored any more',
    );
  });

  test('is refused while it goes on', async () => {
    const { app, begin } = world();
    expect(await refusalOf(itemsBefore(app, await begin(60)))).toBe('INVALID_VALUE cannot be continued: that response is in_progress');
  });

  test('ends even where a provider used its ids in a circle', async () => {
    const { app, turn } = world();
    const first = await turn('one');
    const second = await turn('two', first);
    await app.inProject('default', (db) => db.updateTable('responses').set({ previous_id: second }).where('id', '=', first).execute());
    expect(await refusalOf(itemsBefore(app, { projectId: 'default', id: second }))).toStartWith('INVALID_VALUE');
  });
});

test('a response that could not be stored says so', async () => {
  const { app } = world();
  const storing = { projectId: 'no such project', requestId: 'req_1', body: { input: 'Hi' } };
  expect(await keepResponse(app, storing, { id: 'resp_x', store: true })).toEqual({ id: 'resp_x', store: false });
  expect(await keepResponse(app, { ...storing, projectId: 'default' }, { id: '\u0000', store: true })).toEqual({ id: '\u0000', store: false });
});

describe('one in the background', () => {
  test('is what became of it, once', async () => {
    const { app, begin } = world();
    const place = await begin(60);
    expect((await responseAt(app, place)).response).toMatchObject({ status: 'in_progress' });
    await settleResponse(app, place, { id: place.id, status: 'cancelled' });
    await settleResponse(app, place, { id: place.id, status: 'completed' });
    expect(await responseAt(app, place)).toMatchObject({ running: false, response: { status: 'cancelled' } });
  });

  test.each([-11, null])('has failed when nobody works on it any more (%p)', async (aliveForS) => {
    const { app, begin } = world();
    const place = await begin(aliveForS);
    const failed = { running: false, response: { id: place.id, status: 'failed', error: { code: 'server_error' } } };
    expect(await responseAt(app, place)).toMatchObject(failed);
    await settleResponse(app, place, { id: place.id, status: 'completed' });
    expect(await responseAt(app, place)).toMatchObject(failed);
  });
});

test('a response is kept for thirty days', async () => {
  const { app, clock, turn } = world();
  const place = { projectId: 'prj_2', id: await turn('one', null, 'prj_2') };
  await clock.advance(30 * DAY_MS - 1);
  await purgeResponses(app);
  expect(await responseAt(app, place)).toMatchObject({ response: { id: place.id } });
  await clock.advance(1);
  await purgeResponses(app);
  expect(await refusalOf(responseAt(app, place))).toStartWith('NOT_FOUND');
});
