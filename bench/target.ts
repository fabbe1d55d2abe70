import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { Asker } from './ask.ts';
import { treeOf } from './process-tree.ts';
import { TEXT } from './spoken.ts';

/** A server in front of the simulated provider: how it is started, how it is asked, and which processes it is. */
export type Target = {
  readonly name: string;
  readonly port: number;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ask: Asker;
  /** Where it is started; the run's own folder where unsaid. */
  readonly cwd?: string;
  /** What it takes to be asked in every way, once it runs. */
  readonly prepare?: () => Promise<void>;
  /** Processes that work for it and are counted apart. */
  readonly databasePid?: () => number | null;
  /** Python needs a while to import. */
  readonly startLimitMs?: number;
};

export type Place = {
  readonly folder: string;
  /** `/v1` of the simulated provider. */
  readonly upstreamUrl: string;
};

export function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => undefined } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

export type Started = {
  readonly target: Target;
  /** From the start of the process to the first answer of the model. */
  readonly startMs: number;
  /** Its processes, without those of its database. */
  readonly pids: () => readonly number[];
  readonly databasePids: () => readonly number[];
  readonly stop: () => Promise<void>;
};

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 15_000;

/** Pinned to one core, which nothing else of the run uses. */
export async function start(target: Target, place: Place, pin: readonly string[]): Promise<Started> {
  const output = openSync(join(place.folder, `${target.name.replaceAll(/\W+/g, '-')}.log`), 'a');
  const beganAt = performance.now();
  const child = Bun.spawn([...pin, ...target.command], {
    cwd: target.cwd ?? place.folder,
    env: { ...bare(), ...target.env },
    stdio: ['ignore', output, output],
  });
  await firstAnswer(target, child, beganAt + (target.startLimitMs ?? START_LIMIT_MS));
  const startMs = performance.now() - beganAt;
  const databasePids = (): readonly number[] => {
    const pid = target.databasePid?.() ?? null;
    return pid === null ? [] : treeOf([pid]);
  };
  return {
    target,
    startMs,
    databasePids,
    pids() {
      const database = new Set(databasePids());
      return treeOf([child.pid]).filter((pid) => !database.has(pid));
    },
    async stop() {
      const tree = treeOf([child.pid]);
      child.kill();
      const late = setTimeout(() => kill(tree), STOP_LIMIT_MS);
      await child.exited;
      clearTimeout(late);
    },
  };
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone, which is what was wanted.
    }
  }
}

/** What the machine happens to have set must not decide a figure. */
function bare(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', LANG: 'C.UTF-8' };
}

async function firstAnswer(target: Target, child: Bun.Subprocess, until: number): Promise<void> {
  const { path, headers, body } = target.ask('call');
  let last = 'nothing yet';
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`${target.name} ended with ${child.exitCode} before it answered`);
    try {
      const response = await fetch(`http://127.0.0.1:${target.port}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
      const text = await response.text();
      if (response.status === 200 && text.includes(TEXT)) return;
      last = `${response.status} ${text.slice(0, 300)}`;
    } catch (cause) {
      last = cause instanceof Error ? cause.message : String(cause);
    }
    await Bun.sleep(5);
  }
  child.kill('SIGKILL');
  throw new Error(`${target.name} did not answer in time; the last word was: ${last}`);
}
