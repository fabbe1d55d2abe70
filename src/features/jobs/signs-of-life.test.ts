import { expect, test } from 'bun:test';
import { sql } from 'kysely';
import { type App, EVERY_PROJECT } from '../../app.ts';
import { manualClock } from '../../../test/manual-clock.ts';
import { createInProject } from '../../platform/postgres/in-project.ts';
import { ownDatabase } from '../../platform/postgres/own-database.test.ts';
import { whileKept } from './provider-batches/keeping.ts';
import { openDraft } from './provider-batches/lines/store.ts';
import { createWorker } from './run/worker.ts';
import { insertJob } from './store.ts';

/** Whoever says that it lives is silent after its farewell: a word that came later would keep what it had for nobody, for ever. */
const open = ownDatabase();
const LEASE_S = 3;
const SIGN_MS = 1000;

/** The database, of which a question can be held up on its way. */
function world() {
  const inProject = createInProject(open.db);
  const clock = manualClock();
  const held = Promise.withResolvers<void>();
  const letOthersPass = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await inProject(EVERY_PROJECT, (db) => sql`select 1`.execute(db));
  };
  const state = { asked: 0, holdsNext: false, ids: 0, sign: Promise.resolve<unknown>(null) };
  const app = {
    clock,
    config: () => ({ settings: { jobLeaseS: LEASE_S } }),
    newId: (kind: string) => `${kind}_${++state.ids}`,
    log: { debug: () => undefined, info: () => undefined, warning: () => undefined, error: () => undefined },
    inProject(...asked: Parameters<App['inProject']>) {
      state.asked++;
      if (!state.holdsNext) return inProject(...asked);
      state.holdsNext = false;
      state.sign = held.promise.then(() => inProject(...asked));
      return state.sign;
    },
  } as unknown as Pick<App, 'clock' | 'config' | 'newId' | 'log' | 'inProject'>;
  return {
    app,
    inProject,
    clock,
    asked: () => state.asked,
    async signUnderWay() {
      state.holdsNext = true;
      await clock.advance(SIGN_MS);
      expect(state.holdsNext).toBe(false);
    },
    /** Later than whatever was asked after it; and what follows from it is done too. */
    async signArrives() {
      await letOthersPass();
      held.resolve();
      await state.sign;
      await letOthersPass();
    },
  };
}

async function isSilent({ clock, asked }: ReturnType<typeof world>): Promise<boolean> {
  const before = asked();
  await clock.advance(10 * SIGN_MS);
  return asked() === before;
}

test('a batch that is let go while a sign is under way is free, and stays so', async () => {
  const here = world();
  const made = await here.inProject('default', (db) =>
    insertJob(db, {
      id: 'job_kept',
      project_id: 'default',
      creator: JSON.stringify({ kind: 'anonymous', id: null }),
      name: 'a job',
      endpoint: '/v1/chat/completions',
      template_id: null,
    }),
  );
  const draft = { id: 'pb_kept', job_id: made.id, project_id: 'default', provider: 'openai', model: 'gpt-4o-mini', kind: '/v1/chat/completions' };
  await here.inProject(EVERY_PROJECT, (db) => openDraft(db, { ...draft, principal: '{}', price: '{}' }));

  const begun = Promise.withResolvers<void>();
  const work = Promise.withResolvers<void>();
  const over = whileKept(here.app, { id: draft.id, signal: new AbortController().signal }, () => {
    begun.resolve();
    return work.promise;
  });
  await begun.promise;
  await here.signUnderWay();
  work.resolve();
  await here.signArrives();
  await over;
  const kept = await here.inProject(EVERY_PROJECT, (db) => db.selectFrom('batch_provider_batches').select(['keeper', 'kept_until']).execute());
  expect([kept, await isSilent(here)]).toEqual([[{ keeper: null, kept_until: null }], true]);
});

test('a worker that leaves while a sign is under way is gone, and stays so', async () => {
  const here = world();
  const worker = createWorker({ ...here.app, onBuried: () => undefined });
  await worker.join();
  await here.signUnderWay();
  const left = worker.leave();
  await here.signArrives();
  await left;
  const workers = await here.inProject(EVERY_PROJECT, (db) => db.selectFrom('job_workers').select('id').execute());
  expect([workers, await isSilent(here)]).toEqual([[], true]);
});
