import { describe, expect, test } from 'bun:test';
import { manualClock } from '../../../test/manual-clock.ts';
import { AppError } from '../../contract/errors.ts';
import { Canceller } from '../../core/cancellation.ts';
import type { LocalAsked } from '../../core/local-model.ts';
import { UpstreamError } from '../../core/provider.ts';
import type { Death, Launch } from './launch.ts';
import { createRunner, type Running } from './runner.ts';
import type { FromModel, ToModel } from './words.ts';

/** A model whose process is a list of what it was told, and does what the test says. */
type Fake = { readonly told: ToModel[]; readonly say: (message: FromModel) => void; readonly die: (death?: Partial<Death>) => void; killed: boolean };

const ASKED: LocalAsked = { messages: [{ role: 'user', text: 'a' }], temperature: 0, stop: [] };
const nothing = (): void => undefined;

function stage(more: Partial<Running> = {}) {
  const clock = manualClock();
  const launched: Fake[] = [];
  const launch: Launch = (_, on) => {
    const told: ToModel[] = [];
    const fake: Fake = { told, say: on.said, die: (death) => on.died({ why: 'was ended by SIGKILL', byItself: false, ...death }), killed: false };
    launched.push(fake);
    return { pid: launched.length, send: (words) => told.push(words), kill: () => (fake.killed = true) };
  };
  const runner = createRunner({
    name: 'test',
    path: 'test.gguf',
    options: () => ({ path: 'test.gguf', makes: 'text', threads: 1, contextTokens: 100, parallel: 2 }),
    idleMs: 0,
    waitingMax: 3,
    launch,
    clock,
    log: { debug: nothing, info: nothing, warning: nothing, error: nothing },
    ...more,
  });
  const latest = (): Fake => launched.at(-1) ?? expect.unreachable('nothing was launched');
  const ask = (signal = new Canceller()) => {
    const text: string[] = [];
    const ended = (async () => {
      for await (const batch of runner.generate(ASKED, signal)) for (const said of batch) text.push(said.type === 'text' ? said.text : said.finishReason);
      return text.join(' ');
    })();
    const outcome = ended.catch((cause: unknown) => cause);
    return { signal, outcome, text };
  };
  const answer = (id: number): void => {
    latest().say({ type: 'text', id, text: `answer ${id}` });
    latest().say({ type: 'end', id, finishReason: 'stop', inputTokens: 1, outputTokens: 1 });
    latest().say({ type: 'over', id });
  };
  return { clock, launched, runner, latest, ask, answer };
}

describe('a model that is not loaded', () => {
  test('is loaded by the first question, and answers as many at a time as it can, in their order', async () => {
    const { clock, launched, runner, latest, ask, answer } = stage();
    expect(runner.state()).toEqual({ state: 'idle' });
    const asked = [ask(), ask(), ask()];
    await clock.advance(0);
    latest().say({ type: 'loading', progress: 0.5 });
    expect([launched.length, runner.state()]).toEqual([1, { state: 'loading', progress: 0.5 }]);
    latest().say({ type: 'ready' });
    expect(latest().told.map(({ id }) => id)).toEqual([1, 2]);
    answer(1);
    expect(latest().told.map(({ id }) => id)).toEqual([1, 2, 3]);
    answer(2);
    answer(3);
    expect(await Promise.all(asked.map(({ outcome }) => outcome))).toEqual(['answer 1 stop', 'answer 2 stop', 'answer 3 stop']);
  });

  test('lets a question wait for a minute, and no longer', async () => {
    const { clock, ask } = stage();
    const { outcome } = ask();
    await clock.advance(60_000);
    expect(causeOf(await outcome)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', parts: { retryAfterMs: 5000 } });
  });

  test('refuses questions beyond those that may wait, with the time after which to come again', async () => {
    const { clock, ask } = stage();
    const waiting = [ask(), ask(), ask()];
    await clock.advance(0);
    expect(causeOf(await ask().outcome)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', parts: { retryAfterMs: 2000 } });
    waiting[0]?.signal.abort(new Error('left'));
    await clock.advance(0);
    const another = ask();
    await clock.advance(0);
    expect(another.text).toEqual([]);
  });
});

describe('a process that dies', () => {
  test('breaks the answers that were under way, and the others wait for the next one, which comes at once', async () => {
    const { clock, launched, latest, ask, answer } = stage();
    const asked = [ask(), ask(), ask()];
    await clock.advance(0);
    latest().say({ type: 'ready' });
    await clock.advance(20_000);
    latest().die();
    expect([await asked[0]?.outcome, await asked[1]?.outcome]).toMatchObject([{ fault: 'broken' }, { fault: 'broken' }]);
    expect(launched.length).toBe(2);
    latest().say({ type: 'ready' });
    answer(3);
    expect(await asked[2]?.outcome).toBe('answer 3 stop');
  });

  test('again and again is started with growing waits', async () => {
    const { clock, launched, latest, runner } = stage();
    runner.warm();
    const starts: number[] = [];
    for (const waitMs of [1000, 2000, 4000, 8000]) {
      latest().say({ type: 'ready' });
      latest().die();
      const before = launched.length;
      await clock.advance(waitMs - 1);
      starts.push(launched.length - before);
      await clock.advance(1);
      starts.push(launched.length - before);
    }
    expect(starts).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  });

  test('before it is ready by its own fault cannot be loaded; killed from outside it has three tries', async () => {
    const broken = stage();
    const { outcome } = broken.ask();
    await broken.clock.advance(0);
    broken.latest().die({ why: 'was ended by SIGABRT: GGML_ASSERT', byItself: true });
    expect(causeOf(await outcome)).toMatchObject({
      code: 'LOCAL_MODEL_UNAVAILABLE',
      parts: { details: { reason: 'its process was ended by SIGABRT: GGML_ASSERT' } },
    });

    const killed = stage();
    killed.runner.warm();
    killed.latest().die();
    await killed.clock.advance(1000);
    killed.latest().die();
    await killed.clock.advance(2000);
    expect(killed.runner.state().state).toBe('loading');
    killed.latest().die();
    expect([killed.launched.length, killed.runner.state()]).toEqual([3, { state: 'failed', why: 'its process was ended by SIGKILL' }]);
  });
});

describe('a model that cannot be loaded', () => {
  test('says so to who waits and at once to who comes, and is tried again after half a minute', async () => {
    const { clock, launched, latest, ask } = stage();
    const { outcome } = ask();
    await clock.advance(0);
    latest().say({ type: 'failed', why: 'it is no model' });
    expect(causeOf(await outcome)).toMatchObject({ code: 'LOCAL_MODEL_UNAVAILABLE', parts: { retryAfterMs: 30_000 } });
    expect(launched[0]?.killed).toBe(true);
    await clock.advance(10_000);
    expect(causeOf(await ask().outcome)).toMatchObject({ code: 'LOCAL_MODEL_UNAVAILABLE', parts: { retryAfterMs: 20_000 } });
    expect(launched.length).toBe(1);
    await clock.advance(20_000);
    const again = ask();
    await clock.advance(0);
    expect(launched.length).toBe(2);
    again.signal.abort(new Error('enough'));
  });

  test('is not even launched where its file says so', async () => {
    const { launched, ask, runner } = stage({
      options: () => {
        throw new Error('its file does not exist');
      },
    });
    expect(causeOf(await ask().outcome)).toMatchObject({ message: 'The local model test cannot be used: its file does not exist' });
    expect([launched.length, runner.state().state]).toEqual([0, 'failed']);
  });
});

describe('a question that is cancelled', () => {
  test('ends at once, and its place is free when the model says so', async () => {
    const { clock, latest, ask } = stage();
    const [first, , third] = [ask(), ask(), ask()];
    await clock.advance(0);
    latest().say({ type: 'ready' });
    first.signal.abort(new Error('left'));
    expect(await first.outcome).toEqual(new Error('left'));
    expect(latest().told.at(-1)).toEqual({ type: 'cancel', id: 1 });
    latest().say({ type: 'over', id: 1 });
    expect(latest().told.at(-1)).toMatchObject({ type: 'generate', id: 3 });
    third.signal.abort(new Error('left too'));
  });

  test('and of which the model does not let go costs the model its process', async () => {
    const { clock, launched, latest, ask } = stage();
    const { signal } = ask();
    await clock.advance(0);
    latest().say({ type: 'ready' });
    signal.abort(new Error('left'));
    await clock.advance(60_000);
    expect([launched[0]?.killed, launched.length]).toEqual([true, 2]);
  });
});

test('a model that nobody asks is unloaded, and not while somebody does', async () => {
  const { clock, launched, latest, ask, answer, runner } = stage({ idleMs: 5000 });
  const { outcome } = ask();
  await clock.advance(0);
  latest().say({ type: 'ready' });
  await clock.advance(50_000);
  expect(runner.state().state).toBe('ready');
  answer(1);
  await outcome;
  await clock.advance(5000);
  expect([runner.state().state, launched[0]?.killed]).toEqual(['idle', true]);
});

test('a model that is closed is not started any more', async () => {
  const { clock, launched, runner, ask } = stage();
  const { outcome } = ask();
  await clock.advance(0);
  runner.close();
  expect(await outcome).toMatchObject({ fault: 'broken' });
  await clock.advance(100_000);
  expect([launched.length, launched[0]?.killed]).toEqual([1, true]);
});

/** What the caller is to hear. */
function causeOf(thrown: unknown): unknown {
  expect(thrown).toBeInstanceOf(UpstreamError);
  const { cause } = thrown as UpstreamError;
  expect(cause).toBeInstanceOf(AppError);
  return cause;
}
