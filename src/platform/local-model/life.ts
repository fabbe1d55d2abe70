import type { Clock, Log } from '../../app.ts';
import type { LocalState } from '../../core/local-model.ts';
import type { Death, Launch, ModelProcess } from './launch.ts';
import type { FromModel, ModelOptions, ToModel } from './words.ts';

/** The life of a model's process: started when it is needed, started again when it dies, ended when nobody needs it. */
export type Life = {
  readonly state: () => LocalState;
  /** Answers at the same time, as far as is known. */
  readonly parallel: () => number;
  /** Starts it, unless it runs, is about to, or is known not to be able to. */
  readonly start: () => void;
  readonly send: (words: ToModel) => void;
  /** Somebody asks it, or nobody does. */
  readonly busy: (isBusy: boolean) => void;
  /** It does not do what it should. */
  readonly giveUp: (why: string) => void;
  readonly tryAgainInMs: () => number;
  readonly close: () => void;
};

export type Living = {
  readonly name: string;
  readonly path: string;
  /** Looks at the file first; throws, in words, where it cannot be loaded. */
  readonly options: () => ModelOptions;
  /** Unloads it after so long without a question; 0 never does. */
  readonly idleMs: number;
  readonly launch: Launch;
  readonly clock: Clock;
  readonly log: Log;
};

type Listeners = {
  readonly ready: () => void;
  readonly said: (message: FromModel) => void;
  readonly died: (why: string) => void;
  readonly failed: (why: string) => void;
};

/** Waits before it is started again, by how often it died soon after it was started. */
const RESTART_WAITS_MS = [0, 1000, 2000, 4000, 8000, 16_000, 30_000] as const;
const SOON_MS = 10_000;
/** One that is killed so often in a row before it is ready, for want of memory perhaps, will not be ready. */
const DEATHS_MAX = 3;
/** What cannot be loaded is tried again by a question after this time: its file may have been mended. */
const TRY_AGAIN_MS = 30_000;
const LOAD_MS = 600_000;

type Inner = Living & {
  readonly on: Listeners;
  state: LocalState;
  process: ModelProcess | null;
  parallel: number;
  /** Deaths in a row, each soon after a start. */
  deaths: number;
  startedAt: number;
  failedAt: number;
  isClosed: boolean;
  /** The one thing that is to happen next: a start, the end of patience with one, an unloading. */
  stopTimer: () => unknown;
};

export function createLife(living: Living, on: Listeners): Life {
  const inner: Inner = {
    ...living,
    on,
    state: { state: 'idle' },
    process: null,
    parallel: 1,
    deaths: 0,
    startedAt: -Infinity,
    failedAt: -Infinity,
    isClosed: false,
    stopTimer: () => undefined,
  };
  const { clock } = living;
  return {
    state: () => inner.state,
    parallel: () => inner.parallel,
    start: () => startWhereNeeded(inner),
    send: (words) => inner.process?.send(words),
    busy: (isBusy) => busy(inner, isBusy),
    giveUp(why) {
      end(inner);
      died(inner, { why, byItself: false });
    },
    tryAgainInMs: () => Math.max(0, TRY_AGAIN_MS - (clock.monotonic() - inner.failedAt)),
    close() {
      inner.isClosed = true;
      end(inner);
    },
  };
}

function later(inner: Inner, ms: number, run: () => void): void {
  inner.stopTimer();
  inner.stopTimer = inner.clock.after(ms, run);
}

function end(inner: Inner): void {
  inner.stopTimer();
  inner.process?.kill();
  inner.process = null;
}

function startWhereNeeded(inner: Inner): void {
  const { state, deaths, clock } = inner;
  if (inner.isClosed || state.state === 'ready' || state.state === 'loading') return;
  if (state.state === 'failed' && clock.monotonic() - inner.failedAt < TRY_AGAIN_MS) return;
  inner.state = { state: 'loading', progress: 0 };
  const waitMs = RESTART_WAITS_MS[Math.min(deaths, RESTART_WAITS_MS.length - 1)] ?? 0;
  if (waitMs === 0) start(inner);
  else later(inner, waitMs, () => start(inner));
}

function start(inner: Inner): void {
  inner.startedAt = inner.clock.monotonic();
  try {
    const options = inner.options();
    inner.parallel = options.parallel;
    inner.process = inner.launch(options, { said: (message) => hear(inner, message), died: (death) => died(inner, death) });
  } catch (cause) {
    fail(inner, cause instanceof Error ? cause.message : String(cause));
    return;
  }
  later(inner, LOAD_MS, () => fail(inner, `it was not loaded within ${LOAD_MS / 60_000} minutes`));
}

function fail(inner: Inner, why: string): void {
  end(inner);
  inner.deaths = 0;
  inner.state = { state: 'failed', why };
  inner.failedAt = inner.clock.monotonic();
  inner.log.error('the local model cannot be loaded', { model: inner.name, path: inner.path, reason: why });
  inner.on.failed(why);
}

function died(inner: Inner, { why, byItself }: Death): void {
  const { name, clock, log, state } = inner;
  const wasReady = state.state === 'ready';
  inner.process = null;
  inner.stopTimer();
  inner.deaths = wasReady && clock.monotonic() - inner.startedAt > SOON_MS ? 0 : inner.deaths + 1;
  log.error('the process of the local model ended', { model: name, reason: why });
  inner.on.died(why);
  if (!wasReady && (byItself || inner.deaths >= DEATHS_MAX)) return fail(inner, `its process ${why}`);
  inner.state = { state: 'idle' };
  startWhereNeeded(inner);
}

function hear(inner: Inner, message: FromModel): void {
  if (message.type === 'loading') inner.state = { state: 'loading', progress: message.progress };
  else if (message.type === 'failed') fail(inner, message.why);
  else if (message.type === 'ready') {
    const { name, clock, log, process } = inner;
    inner.stopTimer();
    inner.state = { state: 'ready' };
    log.info('the local model is ready', { model: name, pid: process?.pid, ms: Math.round(clock.monotonic() - inner.startedAt) });
    inner.on.ready();
  } else inner.on.said(message);
}

function busy(inner: Inner, isBusy: boolean): void {
  if (inner.state.state !== 'ready') return;
  inner.stopTimer();
  if (isBusy || inner.idleMs === 0) return;
  later(inner, inner.idleMs, () => {
    end(inner);
    inner.state = { state: 'idle' };
    inner.log.info('the local model was unloaded, because nobody asks it', { model: inner.name });
  });
}
