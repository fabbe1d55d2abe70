import { type AskKind, checkOf, requestText } from './ask.ts';
import type { Hands } from './hands.ts';
import type { Load, Order } from './load.ts';
import { cpuMicrosBetween, cpuTimes, memoryMb, residentMb } from './process-tree.ts';
import type { Pace } from './simulator.ts';
import type { Started } from './target.ts';

/** One kind of work, done by each target in its turn. */
export type Cell = {
  readonly name: string;
  readonly words: string;
  readonly kind: AskKind;
  readonly connections: number;
  readonly until: Order['until'];
  readonly pace: Pace;
};

export type Turn = {
  readonly cell: string;
  readonly target: string;
  /** Of the target's processes, for one call; that of its database not counted. */
  readonly cpuMicrosPerCall: number;
  readonly databaseMicrosPerCall: number;
  readonly callsPerSecond: number;
  readonly load: Load;
};

const PIECES = 100;
const AT_ONCE: Pace = { pieces: PIECES, gapMs: 0 };

export function cellsOf(turnMs: number): readonly Cell[] {
  const closed = { connections: 64, until: { ms: turnMs }, pace: AT_ONCE };
  return [
    { ...closed, name: 'call', kind: 'call', words: 'call, no cache' },
    { ...closed, name: 'keyed', kind: 'keyed', words: 'the same with a key that has limits and budgets' },
    { ...closed, name: 'fresh', kind: 'fresh', words: 'call that the cache does not know yet' },
    { ...closed, name: 'same', kind: 'same', words: 'call that the cache answers' },
    { ...closed, name: 'stream', kind: 'stream', words: `stream of ${PIECES} pieces, as fast as they come` },
    {
      name: 'paced',
      kind: 'stream',
      words: `stream of ${PIECES} pieces, one every 10 ms`,
      connections: 64,
      until: { calls: 1 },
      pace: { pieces: PIECES, gapMs: 10 },
    },
  ];
}

export async function measure(hands: Hands, started: Started, cell: Cell): Promise<Turn> {
  hands.setPace(cell.pace);
  const before = cpuTimes(started.pids());
  const databaseBefore = cpuTimes(started.databasePids());
  const load = await hands.load(orderFor(started, cell));
  const cpu = cpuMicrosBetween(before, cpuTimes(started.pids()));
  const database = cpuMicrosBetween(databaseBefore, cpuTimes(started.databasePids()));
  if (load.failed > 0) throw new Error(`${started.target.name}, ${cell.words}: ${load.failed} of ${load.calls} failed, the first: ${load.firstFailure}`);
  return {
    cell: cell.name,
    target: started.target.name,
    cpuMicrosPerCall: cpu / load.calls,
    databaseMicrosPerCall: database / load.calls,
    callsPerSecond: (load.calls / load.wallMs) * 1000,
    load,
  };
}

function orderFor(started: Started, { kind, connections, until, pace }: Cell): Order {
  const ask = started.target.ask(kind);
  return { port: started.target.port, request: requestText(ask, started.target.port), connections, until, check: checkOf(ask, kind, pace.pieces) };
}

export type SlowStreams = { readonly target: string; readonly streams: number; readonly wallMs: number; readonly idealMs: number; readonly peakMb: number };

const SLOW: Cell = { name: 'slow', words: 'slow streams', kind: 'stream', connections: 1000, until: { calls: 1 }, pace: { pieces: 20, gapMs: 100 } };
const LOOK_MS = 50;

/** A thousand callers at once, each reading a slow answer; and the most memory that was held meanwhile. */
export async function measureSlowStreams(hands: Hands, started: Started): Promise<SlowStreams> {
  hands.setPace(SLOW.pace);
  const pids = started.pids();
  let peakMb = residentMb(pids);
  const looking = setInterval(() => {
    peakMb = Math.max(peakMb, residentMb(pids));
  }, LOOK_MS);
  const load = await hands.load(orderFor(started, SLOW)).finally(() => clearInterval(looking));
  if (load.failed > 0) throw new Error(`${started.target.name}, slow streams: ${load.failed} of ${load.calls} failed, the first: ${load.firstFailure}`);
  // The end comes one gap after the last piece.
  const idealMs = (SLOW.pace.pieces + 1) * SLOW.pace.gapMs;
  return { target: started.target.name, streams: load.calls, wallMs: load.wallMs, idealMs, peakMb };
}

export type Idle = { readonly target: string; readonly memoryMb: number; readonly databaseMb: number };

export function measureIdle(started: Started): Idle {
  return { target: started.target.name, memoryMb: memoryMb(started.pids()), databaseMb: memoryMb(started.databasePids()) };
}
