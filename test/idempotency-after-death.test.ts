import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { Answered, Sluice } from './harness.ts';
import { ask, type Asking, askUntilTold, chargesOf, openWorld, type Said, script, type World } from './idempotency/world.ts';

/** `kill -9` while answers are on their way: the retries with their keys are one charge each, and what was answered is answered again. */
const KILLS = 10;
const CALLS = 20;
const UPSTREAM_MS = 30;
/** From before the provider is asked until after the last answer has gone out. */
const KILL_WITHIN_MS = 150;
const LIMIT_MS = 60_000;

let world: World;
beforeAll(async () => {
  world = await openWorld();
  script(world.upstream, UPSTREAM_MS);
});
afterAll(() => world.stop());

/** The same moments in every run, as far as the machine lets them be. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const random = randomNumbers(20_261_121);

function askings(round: number): Asking[] {
  return Array.from({ length: CALLS }, (_, nth) => {
    const name = `death ${round} ${nth}`;
    return { key: name, prompt: `${name}: a text of some length, so that a stream of it has pieces`, stream: nth % 2 === 0 };
  });
}

async function askAndDie(sluice: Sluice, asked: readonly Asking[]): Promise<(Answered<Said> | null)[]> {
  const before = world.upstream.calls().length;
  const answers = Promise.all(asked.map((asking) => ask(sluice, asking).catch(() => null)));
  await Bun.sleep(random() * KILL_WITHIN_MS);
  await sluice.end('SIGKILL');
  const told = await answers;
  expect(world.upstream.calls().length - before).toBeLessThanOrEqual(CALLS);
  return told;
}

function isWhole({ status, text }: Answered<Said>, { stream }: Asking): boolean {
  return status === 200 && (stream !== true || text.includes('event: done'));
}

test(
  `of ${KILLS * CALLS} calls under ${KILLS} kills, ${KILLS * CALLS} are charged once`,
  async () => {
    const keys: string[] = [];
    const seen = { again: 0, replayed: 0, answered: 0 };
    let sluice = await world.start();
    for (let round = 0; round < KILLS; round++) {
      const asked = askings(round);
      const first = await askAndDie(sluice, asked);
      sluice = await world.start();
      const retried = await Promise.all(asked.map((asking) => askUntilTold(sluice, asking)));
      for (const [nth, asking] of asked.entries()) {
        keys.push(asking.key);
        const [before, after] = [first[nth], retried[nth]];
        expect(after?.status).toBe(200);
        if (!before || !isWhole(before, asking)) continue;
        seen.answered += 1;
        expect(after?.text).toBe(before.text);
      }
      for (const { idempotency } of sluice.logs()) {
        if (idempotency === 'again') seen.again += 1;
        if (idempotency === 'replayed') seen.replayed += 1;
      }
    }
    const charges = await chargesOf(world, sluice, keys);
    expect([...charges].filter(([, charged]) => charged !== 1)).toEqual([]);
    expect(charges.size).toBe(KILLS * CALLS);
    const [stray] = await world.query<{ count: string }>(
      sluice,
      `select count(*) as count from ledger where cost_nano_usd > 0 and root_id not in (select root_id from idempotency_keys)`,
    );
    const [lost] = await world.query<{ count: string }>(sluice, `select count(*) as count from ledger where outcome = 'lost'`);
    expect([stray?.count, lost?.count]).toEqual(['0', '0']);
    // Else nothing of it would have been tried.
    expect(Math.min(seen.again, seen.replayed, seen.answered)).toBeGreaterThan(0);
    await sluice.stop();
  },
  LIMIT_MS,
);
