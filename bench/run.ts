/**
 * `bun bench/run.ts [--quick] [--turns 5] [--turn-ms 1000] [--peers [names]] [--json file]`: what a call costs, next to nginx and others in
 * the same run. It brings its own provider and its own callers; docs/performance.md says how to read it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Hands, isHand, startHands } from './hands.ts';
import { type Cell, cellsOf, type Idle, measure, measureIdle, measureSlowStreams, type SlowStreams, type Turn } from './measure.ts';
import { peers } from './peers.ts';
import { type Findings, markdown, summarize } from './report.ts';
import { nginx, sluice } from './servers.ts';
import { type Place, start, type Started, type Target } from './target.ts';

const QUICK = { turns: 2, turnMs: 300 };
/** With which a run begins, so that what compiles itself while running has done so. */
const WARM_UP_MS = 5000;
/** Before each turn: while the others had theirs, its code and memory went cold, and compiled code that is not used is thrown away. */
const WARM_AGAIN_MS = 500;
/** Between the first answer and the look at what an idle server holds. */
const SETTLE_MS = 1500;

if (!isHand(process.argv[2])) await main();

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      turns: { type: 'string', default: '5' },
      'turn-ms': { type: 'string', default: '1000' },
      peers: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
    allowPositionals: true,
  });
  if (process.platform !== 'linux') throw new Error('The benchmark reads CPU times from /proc, which only Linux has.');
  const pace = values.quick ? QUICK : { turns: Number(values.turns), turnMs: Number(values['turn-ms']) };
  const findings = await run({ ...pace, quick: values.quick, peers: values.peers ? positionals : null });
  console.log(markdown(findings));
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ summaries: summarize(findings), ...findings }, null, 2));
}

type Plan = {
  readonly quick: boolean;
  readonly turns: number;
  readonly turnMs: number;
  /** Names, all where empty; null for none. */ readonly peers: readonly string[] | null;
};

async function run(plan: Plan): Promise<Findings> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const hands = await startHands(import.meta.path, pin(1));
  const running: Started[] = [];
  const stopAll = async (): Promise<void> => {
    await Promise.all(running.map((started) => started.stop()));
    hands.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const interrupted = (): void => void stopAll().then(() => process.exit(130));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    const place: Place = { folder, upstreamUrl: `http://127.0.0.1:${hands.simulatorPort}/v1` };
    const { targets, absent } = await takingPart(place, plan.peers);
    const starts = await startEach(targets, { place, running, again: !plan.quick });
    return {
      ...(await inTurns(hands, running, plan)),
      targets: running.map(({ target }) => target.name),
      starts: starts.starts,
      absent: [...absent, ...starts.absent],
    };
  } finally {
    await stopAll();
  }
}

/** What is measured has a core for itself, where there are two; its provider and its callers share the other. */
function pin(core: number): readonly string[] {
  return cpus().length > 1 && Bun.which('taskset') !== null ? ['taskset', '-c', String(core)] : [];
}

async function takingPart(place: Place, names: readonly string[] | null): Promise<{ readonly targets: readonly Target[]; readonly absent: readonly string[] }> {
  const reference = await nginx(place);
  const others = names === null ? { targets: [], absent: [] } : peers(place, names);
  if (typeof reference === 'string') return { targets: [sluice(place), ...others.targets], absent: [`nginx: ${reference}`, ...others.absent] };
  return { targets: [sluice(place), reference, ...others.targets], absent: others.absent };
}

type Starting = {
  readonly place: Place;
  readonly running: Started[];
  /** Whether a second start is wanted, on what the first one left. */ readonly again: boolean;
};

async function startEach(targets: readonly Target[], { place, running, again }: Starting): Promise<Pick<Findings, 'starts' | 'absent'>> {
  const starts: Findings['starts'][number][] = [];
  const absent: string[] = [];
  for (const target of targets) {
    try {
      const first = await start(target, place, pin(0));
      if (again) await first.stop();
      const later = again ? await start(target, place, pin(0)) : first;
      await target.prepare?.();
      running.push(later);
      starts.push({ target: target.name, firstMs: first.startMs, laterMs: again ? later.startMs : null });
    } catch (cause) {
      absent.push(cause instanceof Error ? cause.message : String(cause));
    }
  }
  return { starts, absent };
}

/** All are up at once and take turns, and every second round goes the other way: a machine that slows down slows down all of them. */
async function inTurns(
  hands: Hands,
  running: readonly Started[],
  { quick, turns, turnMs }: Plan,
): Promise<{ cells: readonly Cell[]; turns: Turn[]; idle: Idle[]; slow: SlowStreams[] }> {
  const cells = cellsOf(turnMs).filter((cell) => !quick || cell.name === 'call' || cell.name === 'stream');
  if (!quick) await Bun.sleep(SETTLE_MS);
  const idle = running.map(measureIdle);
  for (const started of running) for (const cell of cells) if (canDo(started, cell)) await measure(hands, started, quick ? cell : longFor(cell, WARM_UP_MS));
  const taken: Turn[] = [];
  for (let turn = 0; turn < turns; turn++) {
    for (const cell of cells) {
      for (const started of turn % 2 === 0 ? running : running.toReversed()) {
        if (!canDo(started, cell)) continue;
        if (!quick && 'ms' in cell.until) await measure(hands, started, longFor(cell, WARM_AGAIN_MS));
        taken.push(await measure(hands, started, cell));
      }
    }
  }
  const slow: SlowStreams[] = [];
  if (!quick) for (const started of running) slow.push(await measureSlowStreams(hands, started));
  return { cells, turns: taken, idle, slow };
}

function longFor(cell: Cell, ms: number): Cell {
  return 'ms' in cell.until ? { ...cell, until: { ms } } : cell;
}

/** Only Sluice is asked with and without its cache; for the others there is one kind of call. */
function canDo({ target }: Started, { kind }: Cell): boolean {
  return kind === 'call' || kind === 'stream' || target.name === 'Sluice';
}
