import { beforeAll, describe, expect, test } from 'bun:test';
import { manualClock } from '../../../test/manual-clock.ts';
import type { App } from '../../app.ts';
import { EVERY_PROJECT } from '../../app.ts';
import type { GivenAnswer, KeptAnswers } from '../../http/idempotency.ts';
import type { KeyPlace } from '../../http/idempotency/key.ts';
import { startHousekeeping } from '../../platform/housekeeping.ts';
import { createInProject } from '../../platform/postgres/in-project.ts';
import { ownDatabase, quiet } from '../../platform/postgres/own-database.test.ts';
import { createSeal } from '../../platform/seal.ts';
import { createKeptAnswers, purgeKeptAnswers } from './answers.ts';

const HOUR_MS = 3_600_000;
const retention = () => ({ ledger_days: 400, bodies_days: 30, audit_days: 400 });
const open = ownDatabase();

beforeAll(async () => {
  await open.db.insertInto('projects').values({ id: 'prj_2', name: 'Two' }).execute();
});

let worlds = 0;

const under = (jwtSecret: string): App['secrets'] => ({ seal: createSeal(jwtSecret) }) as App['secrets'];

/** Keys and processes of its own. */
function world() {
  worlds += 1;
  const clock = manualClock(Date.UTC(2026, 10, 21));
  const app = { inProject: createInProject(open.db), clock, secrets: under('a secret of thirty-two bytes or more') };
  const place: KeyPlace = { projectId: 'default', caller: 'user:usr_1', method: 'POST', path: '/generate', key: `key ${worlds}` };
  const start = async (name: string, secrets = app.secrets): Promise<KeptAnswers> => {
    await open.db
      .insertInto('processes')
      .values({ id: `${name}_${worlds}` })
      .execute();
    return createKeptAnswers({ ...app, secrets }, `${name}_${worlds}`);
  };
  const bury = (name: string) => open.db.deleteFrom('processes').where('id', '=', `${name}_${worlds}`).execute();
  const first = (rootId: string) => ({ rootId, at: clock.now() });
  const rows = () => app.inProject(EVERY_PROJECT, (db) => db.selectFrom('idempotency_keys').selectAll().where('key', '=', place.key).execute());
  return { app, clock, place, start, bury, first, rows };
}

const answer = (text: string): GivenAnswer => ({ status: 201, headers: { 'x-model': 'm' }, body: Buffer.from(text), cut: false });
const shown = (claim: Awaited<ReturnType<KeptAnswers['claim']>>): unknown =>
  claim.kind === 'kept' ? { ...claim.answer, body: new TextDecoder().decode(claim.answer.body) } : claim;

describe('a key', () => {
  test('is taken by one of a hundred processes’ claims at once, and answers everybody when it is kept', async () => {
    const { place, start, first } = world();
    const processes = await Promise.all([start('one'), start('two')]);
    const claims = await Promise.all(Array.from({ length: 50 }, (_, nth) => processes.map((each) => each.claim(place, 'f', first(`call_${nth}`)))).flat());
    // The same process may take its own key over; whoever claims sees to it that it does not while it works on it.
    const kinds = claims.map((claim) => claim.kind);
    const roots = new Set(claims.flatMap((claim) => (claim.kind === 'ours' ? [claim.ids.rootId] : [])));
    expect(kinds).toContain('running');
    expect(roots.size).toBe(1);
    const [rootId = ''] = roots;
    const kept = await Promise.all(processes.map((each) => each.keep(place, rootId, answer('said'))));
    expect(kept.filter((wasOurs) => wasOurs)).toHaveLength(1);
    for (const each of processes)
      expect(shown(await each.claim(place, 'f', first('call_x')))).toEqual({ status: 201, headers: { 'x-model': 'm' }, body: 'said', cut: false });
    expect(await processes[0]?.claim(place, 'other', first('call_x'))).toEqual({ kind: 'reused' });
  });

  test('of a process that is buried is taken over with its ids and its time', async () => {
    const { place, start, bury, first, clock } = world();
    const [one, two, three] = [await start('one'), await start('two'), await start('three')];
    const began = first('call_1');
    expect(await one.claim(place, 'f', began)).toEqual({ kind: 'ours', ids: { ...began, again: false } });
    await clock.advance(1234);
    expect(await two.claim(place, 'f', first('call_2'))).toEqual({ kind: 'running' });
    expect(await two.claim(place, 'other', first('call_2'))).toEqual({ kind: 'reused' });
    await bury('one');
    expect(await two.claim(place, 'f', first('call_2'))).toEqual({ kind: 'ours', ids: { ...began, again: true } });
    expect(await three.claim(place, 'f', first('call_3'))).toEqual({ kind: 'running' });
    expect(await one.keep(place, 'call_1', answer('late'))).toBe(false);
    expect(await two.keep(place, 'call_1', answer('said'))).toBe(true);
    expect(shown(await three.claim(place, 'f', first('call_3')))).toMatchObject({ body: 'said' });
  });

  test('whose claim was answered to nobody is taken over by the process that made it', async () => {
    const { place, start, first } = world();
    const one = await start('one');
    await one.claim(place, 'f', first('call_1'));
    expect(await one.claim(place, 'f', first('call_2'))).toMatchObject({ kind: 'ours', ids: { rootId: 'call_1', again: true } });
  });

  test('that was given up begins anew, or with the ids of the run that was lost', async () => {
    const { place, start, first, rows } = world();
    const [one, two] = [await start('one'), await start('two')];
    await one.claim(place, 'f', first('call_1'));
    await one.giveUp(place, 'call_1', 'lost');
    expect(await two.claim(place, 'f', first('call_2'))).toMatchObject({ kind: 'ours', ids: { rootId: 'call_1', again: true } });
    await one.giveUp(place, 'call_1', 'forgotten');
    expect(await rows()).toHaveLength(1);
    await two.giveUp(place, 'call_1', 'forgotten');
    expect(await rows()).toHaveLength(0);
    expect(await one.claim(place, 'f', first('call_3'))).toMatchObject({ kind: 'ours', ids: { rootId: 'call_3', again: false } });
  });

  test('stands for 24 hours, and then for something else', async () => {
    const { app, place, start, first, rows, clock } = world();
    const one = await start('one');
    await one.claim(place, 'f', first('call_1'));
    await one.keep(place, 'call_1', answer('said'));
    await clock.advance(24 * HOUR_MS - 1);
    await purgeKeptAnswers(app);
    expect(shown(await one.claim(place, 'f', first('call_2')))).toMatchObject({ body: 'said' });
    await clock.advance(1);
    expect(await one.claim(place, 'other', first('call_2'))).toMatchObject({ kind: 'ours', ids: { rootId: 'call_2', at: clock.now(), again: false } });
    await clock.advance(24 * HOUR_MS);
    await purgeKeptAnswers(app);
    expect(await rows()).toHaveLength(0);
  });

  test('that nobody can ask for any more is taken away by the hourly housekeeping', async () => {
    const { app, place, start, first, rows, clock } = world();
    const one = await start('one');
    await one.claim(place, 'f', first('call_1'));
    await clock.advance(24 * HOUR_MS);
    const stop = await startHousekeeping({ db: open.db, clock, log: quiet, retention }, [() => purgeKeptAnswers(app)]);
    await clock.advance(60_000);
    const until = performance.now() + 5000;
    while ((await rows()).length > 0 && performance.now() < until) await Bun.sleep(5);
    stop();
    expect(await rows()).toEqual([]);
  });

  test('is another one for another project, caller and path', async () => {
    const { place, start, first } = world();
    const one = await start('one');
    const places = [place, { ...place, projectId: 'prj_2' }, { ...place, caller: 'key:usr_1' }, { ...place, path: '/complete' }];
    for (const [nth, each] of places.entries()) {
      expect(await one.claim(each, 'f', first(`call_${nth}`))).toMatchObject({ kind: 'ours', ids: { again: false } });
      await one.keep(each, `call_${nth}`, answer(`for ${nth}`));
    }
    for (const [nth, each] of places.entries()) expect(shown(await one.claim(each, 'f', first('call_x')))).toMatchObject({ body: `for ${nth}` });
  });

  test('can be as long as it may be, on the longest path', async () => {
    const { place, start, first } = world();
    const one = await start('one');
    const long = {
      ...place,
      path: `/${'ä'.repeat(499)}`,
      key: Array.from({ length: 255 }, (_, nth) => String.fromCodePoint(33 + ((nth * 7919) % 93))).join(''),
    };
    expect(await one.claim(long, 'f', first('call_1'))).toMatchObject({ kind: 'ours' });
  });
});

describe('an answer', () => {
  test('is in no dump of the database', async () => {
    const { place, start, first, rows } = world();
    const one = await start('one');
    await one.claim(place, one.fingerprint('my birthday'), first('call_1'));
    await one.keep(place, 'call_1', answer('{"key":"sk-sluice-once"}'));
    const [row] = await rows();
    expect(`${row?.body?.toString('latin1')} ${JSON.stringify(row)}`).not.toMatch(/sk-sluice|birthday/);
    expect(row).toMatchObject({ process_id: null, status: 201 });
  });

  test('of more than 16 MB is not kept, and neither can one be read under another secret', async () => {
    const { place, start, first } = world();
    const [one, two] = [await start('one'), await start('two', under('another secret of thirty-two bytes'))];
    await one.claim(place, 'f', first('call_1'));
    expect(await one.keep(place, 'call_1', { ...answer(''), body: Buffer.alloc(16 * 1024 * 1024 + 1) })).toBe(true);
    expect(await one.claim(place, 'f', first('call_2'))).toEqual({ kind: 'lost' });

    const other = { ...place, path: '/complete' };
    await one.claim(other, 'f', first('call_3'));
    await one.keep(other, 'call_3', answer('said'));
    expect(await two.claim(other, 'f', first('call_4'))).toEqual({ kind: 'lost' });
  });

  test('that was cut is known to be', async () => {
    const { place, start, first } = world();
    const one = await start('one');
    await one.claim(place, 'f', first('call_1'));
    await one.keep(place, 'call_1', { ...answer('half'), cut: true });
    expect(shown(await one.claim(place, 'f', first('call_2')))).toMatchObject({ body: 'half', cut: true });
  });
});
