import { join } from 'node:path';

/** A program on a terminal of its own, with what it has shown so far. */
export type OnTerminal = {
  readonly shown: () => string;
  readonly press: (keys: string) => void;
  readonly until: (condition: (shown: string) => boolean, limitMs?: number) => Promise<string>;
  readonly exited: Promise<number>;
  /** Ends it, whatever state the test left it in. */
  readonly end: () => Promise<void>;
};

export const CTRL_C = '\u0003';
const ROOT = join(import.meta.dir, '..');
const LIMIT_MS = 30_000;

/** Runs `sluice` as somebody at a keyboard does: Ctrl-C goes to everything that the terminal runs. */
export function onTerminal(words: readonly string[], { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> }): OnTerminal {
  const decoder = new TextDecoder();
  let text = '';
  const child = Bun.spawn([process.execPath, '--no-env-file', join(ROOT, 'src/main.ts'), ...words], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, TERM: 'xterm', ...env },
    terminal: {
      cols: 200,
      data: (_, piece) => {
        text += decoder.decode(piece, { stream: true });
      },
    },
  });
  const shown = (): string => Bun.stripANSI(text).replaceAll('\r\n', '\n');
  const exited = child.exited.finally(() => child.terminal?.close());
  return {
    shown,
    press: (keys) => void child.terminal?.write(keys),
    async until(condition, limitMs = LIMIT_MS) {
      const end = performance.now() + limitMs;
      while (!condition(shown())) {
        if (performance.now() > end || child.exitCode !== null) throw new Error(`It was not shown:\n${shown()}`);
        await Bun.sleep(10);
      }
      return shown();
    },
    exited,
    async end() {
      child.kill();
      await exited;
    },
  };
}
