/** Programs that a test run starts: their output streams through, their time is bounded, and nothing of theirs outlives them. */
export type Run = {
  readonly command: readonly string[];
  readonly limitMs: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What it prints is in `output` alone. */
  readonly isQuiet?: boolean;
};

export type Ended = { readonly exitCode: number | null; readonly output: string };

// Closing lines stand at the end; a run may print far more than is worth keeping.
const TAIL_CHARS = 256 * 1024;
const GRACE_MS = 5_000;

const running = new Set<number>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    for (const group of running) kill(group, 'SIGKILL');
    process.exit(130);
  });
}

export async function run({ command, limitMs, env = {}, cwd = process.cwd(), isQuiet = false }: Run): Promise<Ended> {
  // A process group of its own, so that a stage that is out of time ends with everything it started.
  const child = Bun.spawn([...command], { cwd, env: { ...process.env, ...env }, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', detached: true });
  running.add(child.pid);
  const late = setTimeout(() => {
    console.error(`Out of time after ${Math.round(limitMs / 1000)} s: ${command.join(' ')}`);
    kill(child.pid, 'SIGTERM');
    setTimeout(() => kill(child.pid, 'SIGKILL'), GRACE_MS).unref();
  }, limitMs);
  let output = '';
  const keep = (text: string): void => {
    output = (output + text).slice(-TAIL_CHARS);
  };
  const copies = Promise.all([copy(child.stdout, isQuiet ? null : process.stdout, keep), copy(child.stderr, isQuiet ? null : process.stderr, keep)]);
  const exitCode = await child.exited;
  clearTimeout(late);
  // Whoever still holds the pipes is a leftover, and would keep this waiting.
  kill(child.pid, 'SIGKILL');
  running.delete(child.pid);
  await copies;
  return { exitCode: child.signalCode === null ? exitCode : null, output };
}

async function copy(from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream | null, keep: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of from) {
    to?.write(chunk);
    keep(decoder.decode(chunk, { stream: true }));
  }
}

function kill(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // It has ended already.
  }
}
