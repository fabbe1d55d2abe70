import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigRead, readConfig } from '../config.ts';
import type { ConfigError } from './config-error.ts';
import { type ConfigWatch, watchConfig } from './watch.ts';

type Seen = { readonly changes: { readonly read: ConfigRead; readonly needRestart: readonly string[] }[]; readonly refusals: ConfigError[] };
type Running = Seen & { readonly watch: ConfigWatch; readonly turn: () => Promise<void>; readonly waiting: () => number };

let folder = '';
const watches: ConfigWatch[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'watch-'));
});
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

/** `turn` lets the clock run until the next look has been made. */
function start(env: Record<string, string> = {}, taken: () => Promise<void> = () => Promise.resolve()): Running {
  let next: (() => void) | null = null;
  let arrived: (() => void) | null = null;
  const seen: Seen = { changes: [], refusals: [] };
  const watch = watchConfig({
    source: { env, cwd: folder },
    first: readConfig({ env, cwd: folder }),
    clock: {
      after(_, run) {
        next = run;
        arrived?.();
        return () => {
          next = null;
        };
      },
    },
    async onChange(read, needRestart) {
      await taken();
      seen.changes.push({ read, needRestart });
    },
    onRefused: (error) => seen.refusals.push(error),
  });
  watches.push(watch);
  const turn = (): Promise<void> => {
    const run = next;
    next = null;
    const scheduled = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    run?.();
    return scheduled;
  };
  return { ...seen, watch, turn, waiting: () => (next === null ? 0 : 1) };
}

async function settle(running: Running): Promise<void> {
  for (let look = 0; look < 3; look += 1) await running.turn();
}

describe('a running configuration', () => {
  test('is read anew when its file changes, and not when nothing differs', async () => {
    write('sluice.config.yaml', 'settings: { CACHE_TTL_S: 1 }');
    const running = start();
    await settle(running);
    expect(running.changes).toEqual([]);
    write('sluice.config.yaml', 'settings: { CACHE_TTL_S: 2 } # longer');
    await settle(running);
    expect(running.changes.map(({ read }) => read.settings.cacheTtlS)).toEqual([2]);
    write('sluice.config.yaml', 'settings: { CACHE_TTL_S: 2 } # another comment');
    await settle(running);
    expect(running.changes).toHaveLength(1);
  });

  test('is read anew when a file appears, is replaced, or goes', async () => {
    const running = start();
    await settle(running);
    write('sluice.config.yaml', 'settings: { CACHE_TTL_S: 1 }');
    await settle(running);
    write('new', 'settings: { CACHE_TTL_S: 2 }');
    renameSync(join(folder, 'new'), join(folder, 'sluice.config.yaml'));
    await settle(running);
    unlinkSync(join(folder, 'sluice.config.yaml'));
    await settle(running);
    expect(running.changes.map(({ read }) => read.settings.cacheTtlS)).toEqual([1, 2, 3600]);
  });

  test('waits until a file stands still', async () => {
    const running = start();
    await settle(running);
    write('.env', 'CACHE_TTL_S=1\n');
    await running.turn();
    write('.env', 'CACHE_TTL_S=12\n');
    await running.turn();
    expect(running.changes).toEqual([]);
    await running.turn();
    expect(running.changes.map(({ read }) => read.settings.cacheTtlS)).toEqual([12]);
  });

  test('follows the links that Kubernetes swaps under a secret', async () => {
    for (const [version, key] of Object.entries({ v1: 'sk-one', v2: 'sk-two-' })) {
      mkdirSync(join(folder, version));
      write(`${version}/key`, key);
    }
    symlinkSync('v1', join(folder, 'current'));
    const running = start({ OPENAI_API_KEY_FILE: 'current/key' });
    await settle(running);
    unlinkSync(join(folder, 'current'));
    symlinkSync('v2', join(folder, 'current'));
    await settle(running);
    expect(running.changes.map(({ read }) => read.settings.openaiApiKey)).toEqual(['sk-two-']);
  });

  test('stays where the new one is bad, and the refusal says line and reason', async () => {
    write('sluice.config.yaml', 'settings: { CACHE_TTL_S: 1 }');
    const running = start();
    await settle(running);
    write('sluice.config.yaml', 'settings:\n  CACHE_TTL_S: often\n');
    await settle(running);
    expect(running.changes).toEqual([]);
    expect(running.refusals.flatMap(({ problems }) => problems)).toEqual([
      { where: 'CACHE_TTL_S (sluice.config.yaml:2:16)', message: 'must be a whole number from 0 to 31536000, not "often"' },
    ]);
    await settle(running);
    expect(running.refusals).toHaveLength(1);
    write('sluice.config.yaml', 'settings: { CACHE_TTL_S: 3 }');
    await settle(running);
    expect(running.changes.map(({ read }) => read.settings.cacheTtlS)).toEqual([3]);
  });

  test('takes a changed .env although Bun had loaded the old one into the environment', async () => {
    write('.env', 'CACHE_TTL_S=1\n');
    const running = start({ CACHE_TTL_S: '1' });
    write('.env', 'CACHE_TTL_S=20\n');
    await settle(running);
    expect(running.changes.map(({ read }) => read.settings.cacheTtlS)).toEqual([20]);
  });

  test('keeps what only a restart can change, and names it', async () => {
    write('.env', 'API_PORT=8001\n');
    const running = start();
    write('.env', 'API_PORT=8002\nCACHE_TTL_S=5\n');
    await running.watch.reload();
    expect(running.changes.map(({ read, needRestart }) => [read.settings.apiPort, read.settings.cacheTtlS, needRestart])).toEqual([[8001, 5, ['API_PORT']]]);
  });

  test('that cannot be put in force stays as it was, and is tried again when it is asked for', async () => {
    let isInstalled = false;
    const running = start({}, () => (isInstalled ? Promise.resolve() : Promise.reject(new Error('a package is missing'))));
    write('sluice.config.yaml', 'settings: { CACHE_TTL_S: 7 }');
    await running.watch.reload();
    expect([running.changes, running.refusals.map(({ message }) => message)]).toEqual([[], [expect.stringContaining('a package is missing')]]);
    isInstalled = true;
    await running.watch.reload();
    expect(running.changes.map(({ read }) => read.settings.cacheTtlS)).toEqual([7]);
  });

  test('is read once after the other, however often it is asked for', async () => {
    const turns: PromiseWithResolvers<void>[] = [];
    const running = start({}, () => turns[turns.push(Promise.withResolvers<void>()) - 1]?.promise ?? Promise.resolve());
    write('sluice.config.yaml', 'settings: { CACHE_TTL_S: 8 }');
    const first = running.watch.reload();
    await Promise.resolve();
    write('sluice.config.yaml', 'settings: { CACHE_TTL_S: 9 }');
    const second = running.watch.reload();
    await Promise.resolve();
    expect(turns).toHaveLength(1);
    turns[0]?.resolve();
    await first;
    turns[1]?.resolve();
    await second;
    expect(running.changes.map(({ read }) => read.settings.cacheTtlS)).toEqual([8, 9]);
  });

  test('is looked at no more once it is stopped', async () => {
    const running = start();
    await settle(running);
    expect(running.waiting()).toBe(1);
    running.watch.stop();
    expect(running.waiting()).toBe(0);
  });
});
