import { describe, expect, test } from 'bun:test';
import { manualClock } from '../../../test/manual-clock.ts';
import { createSilenceWatch, SilentError } from './silence.ts';

/** A database that is there or not, and one who waits for it. */
function world() {
  const clock = manualClock();
  const state = { there: true, asked: 0, told: 0, closed: false, answersAfterMs: 0 };
  const watch = createSilenceWatch({
    clock,
    ask: () => {
      state.asked += 1;
      const answer = (): Promise<void> => (state.there ? Promise.resolve() : Promise.reject(new Error('nobody')));
      return state.answersAfterMs === 0 ? answer() : clock.sleep(state.answersAfterMs).then(answer);
    },
    over: () => state.closed,
    onSilent: () => {
      state.told += 1;
    },
  });
  const begin = () => {
    const work = Promise.withResolvers<string>();
    const seen = { outcome: 'waits' };
    watch
      .wait(() => work.promise)
      .then(
        (value) => (seen.outcome = value),
        (cause: unknown) => (seen.outcome = cause instanceof SilentError ? 'silent' : String(cause)),
      );
    return { seen, finish: work.resolve, fail: work.reject };
  };
  return { clock, state, begin };
}

describe('work that waits for the database', () => {
  test('has its own outcome, and nobody is asked when it comes soon', async () => {
    const { clock, state, begin } = world();
    const [first, second] = [begin(), begin()];
    first.finish('done');
    second.fail(new Error('duplicate key'));
    await clock.advance(10_000);
    expect([first.seen.outcome, second.seen.outcome, state.asked]).toEqual(['done', 'Error: duplicate key', 0]);
  });

  test('may take its time while somebody is there', async () => {
    const { clock, state, begin } = world();
    const slow = begin();
    await clock.advance(20_000);
    expect(slow.seen.outcome).toBe('waits');
    expect(state.asked).toBeGreaterThan(10);
    slow.finish('done at last');
    await clock.advance(0);
    expect(slow.seen.outcome).toBe('done at last');
  });

  test('goes on when the question starves while other work is done', async () => {
    const { clock, state, begin } = world();
    Object.assign(state, { there: false, answersAfterMs: 700 });
    const [slow, quick] = [begin(), begin()];
    await clock.advance(500);
    quick.finish('done');
    await clock.advance(600);
    expect([slow.seen.outcome, quick.seen.outcome, state.told]).toEqual(['waits', 'done', 0]);
    // And is given up when nothing is done any more.
    await clock.advance(3000);
    expect([slow.seen.outcome, state.told]).toEqual(['silent', 1]);
  });

  test('is given up when nobody is there, and so is all that comes until somebody is', async () => {
    const { clock, state, begin } = world();
    state.there = false;
    const [first, second] = [begin(), begin()];
    await clock.advance(250);
    expect([first.seen.outcome, second.seen.outcome]).toEqual(['silent', 'silent']);
    const later = begin();
    await clock.advance(0);
    expect(later.seen.outcome).toBe('silent');
    await clock.advance(60_000);
    expect(state.told).toBe(1);

    state.there = true;
    await clock.advance(250);
    const again = begin();
    again.finish('done');
    await clock.advance(0);
    expect(again.seen.outcome).toBe('done');
  });

  test('is asked about once, however many wait', async () => {
    const { clock, state, begin } = world();
    for (let index = 0; index < 100; index += 1) begin();
    await clock.advance(250);
    expect(state.asked).toBe(1);
  });

  test('nobody is asked once the database is closed, so that nothing keeps the process', async () => {
    const { clock, state, begin } = world();
    state.there = false;
    begin();
    await clock.advance(250);
    state.closed = true;
    const { asked } = state;
    await clock.advance(60_000);
    expect(state.asked).toBe(asked);
  });
});
