import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { type Engine, loadEngine } from './engine.ts';
import { RefusedError } from './refused-error.ts';
import type { FromModel, ModelOptions, ToModel } from './words.ts';

/** The program of the process that a model lives in. */
const NICENESS = 10;
const options = JSON.parse(process.argv[2] ?? '') as ModelOptions;
/** Questions under way, and whether anybody still wants the answer. */
const turns = new Map<number, { isWanted: boolean }>();

beHumble();
// The service has gone, however it went.
process.on('disconnect', () => process.exit(0));
// Ctrl-C and a service manager reach every process; it is for the service to say when its answers have been given.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
await load();

/** Calls of others come first, and where memory is short it is this process that has to go. */
function beHumble(): void {
  try {
    setPriority(NICENESS);
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // Not every system knows them, and it runs without.
  }
}

async function load(): Promise<void> {
  try {
    const engine = await loadEngine(options, told());
    process.on('message', (message: ToModel) => void hear(engine, message));
    say({ type: 'ready' });
  } catch (cause) {
    say({ type: 'failed', why: cause instanceof Error ? cause.message : String(cause) });
  }
}

/** Each percent once. */
function told(): (progress: number) => void {
  let last = -1;
  return (progress) => {
    const percent = Math.floor(progress * 100);
    if (percent > last) say({ type: 'loading', progress: percent / 100 });
    last = Math.max(last, percent);
  };
}

async function hear(engine: Engine, message: ToModel): Promise<void> {
  const { id } = message;
  const known = turns.get(id);
  if (message.type === 'cancel') {
    if (known) known.isWanted = false;
    return;
  }
  const wish = { isWanted: true };
  turns.set(id, wish);
  const turn = { isCancelled: () => !wish.isWanted, say: (text: string) => say({ type: 'text', id, text }) };
  try {
    if (message.type === 'embed') say({ type: 'vectors', id, ...(await engine.embed(message.texts, turn)) });
    else say({ type: 'end', id, ...(await engine.generate(message.asked, turn)) });
  } catch (cause) {
    if (cause instanceof RefusedError) say({ type: 'refused', id, ...cause.refusal });
    else say({ type: 'broken', id, why: cause instanceof Error ? cause.message : String(cause) });
  } finally {
    turns.delete(id);
    say({ type: 'over', id });
  }
}

function say(message: FromModel): void {
  process.send?.(message);
}
