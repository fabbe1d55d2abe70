import { join } from 'node:path';
import type { FromModel, ModelOptions, ToModel } from './words.ts';

/** The process of a model, while it lives. */
export type ModelProcess = {
  readonly pid: number;
  readonly send: (message: ToModel) => void;
  /** At once: it has nothing to lose. */
  readonly kill: () => void;
};

export type Launch = (options: ModelOptions, on: { readonly said: (message: FromModel) => void; readonly died: (death: Death) => void }) => ModelProcess;

/** `byItself`: the program gave up or broke, as it would again; it was not killed from outside. */
export type Death = { readonly why: string; readonly byItself: boolean };

const PROGRAM = join(import.meta.dirname, 'child.ts');
const LAST_WORDS_CHARS = 2000;
const BREAKING: ReadonlySet<string> = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP']);

/** Runs the program with the runtime that runs us, and gives it nothing of our environment, where the secrets are. */
export const launchModel: Launch = (options, on) => {
  let lastWords = '';
  let isDead = false;
  const child = Bun.spawn([process.execPath, '--no-env-file', PROGRAM, JSON.stringify(options)], {
    // Where llama.cpp gives up it would otherwise start a debugger, and wait for it.
    env: { GGML_NO_BACKTRACE: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
    serialization: 'json',
    ipc(message: FromModel) {
      if (!isDead) on.said(message);
    },
    onExit(_, code, signal) {
      if (isDead) return;
      isDead = true;
      const how = signal === null ? `ended with ${code}` : `was ended by ${signal}`;
      on.died({ why: lastWords.trim() === '' ? how : `${how}: ${lastLine(lastWords)}`, byItself: signal === null || BREAKING.has(String(signal)) });
    },
  });
  void keepLast(child.stderr, (text) => {
    lastWords = (lastWords + text).slice(-LAST_WORDS_CHARS);
  });
  return {
    pid: child.pid,
    send(message) {
      if (!isDead) child.send(message);
    },
    kill() {
      isDead = true;
      child.kill('SIGKILL');
    },
  };
};

async function keepLast(stream: ReadableStream<Uint8Array>, keep: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) keep(decoder.decode(chunk, { stream: true }));
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
