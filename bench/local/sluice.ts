import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Sluice with one local model, as somebody starts it. */
export type Service = {
  readonly url: string;
  readonly loadMs: number;
  /** The model's process. */
  readonly pid: number;
  /** Of the model's process: all that it takes, and the part of that which is pages of the file. */
  readonly memory: () => { readonly mb: number; readonly fileMb: number };
  readonly stop: () => Promise<void>;
};

type Wanted = { readonly model: string; readonly threads: number; /** Of a provider in the cloud. */ readonly upstreamUrl: string };

export async function startService({ model, threads, upstreamUrl }: Wanted): Promise<Service> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-local-'));
  const child = Bun.spawn([process.execPath, '--no-env-file', 'src/main.ts', 'serve'], {
    cwd: join(import.meta.dir, '../..'),
    env: {
      PATH: process.env['PATH'] ?? '',
      API_PORT: '0',
      DATA_DIR: dataDir,
      ADMIN_PASSWORD: 'a password of the benchmark',
      LOCAL_MODEL_PATH: model,
      LOCAL_MODEL_THREADS: String(threads),
      MAX_PROMPT_CHARS: '100000',
      RATE_LIMIT_LOCAL: 'off',
      RATE_LIMIT_GENERATE: 'off',
      OPENAI_API_KEY: 'sk-bench-1',
      OPENAI_BASE_URL: upstreamUrl,
      CACHE_MAX_ENTRIES: '0',
    },
    stdout: 'pipe',
    stderr: 'ignore',
  });
  const found = await readUntilLoaded(child.stdout);
  return {
    url: found.url,
    loadMs: found.loadMs,
    pid: found.pid,
    memory: () => memoryOf(found.pid),
    async stop() {
      child.kill();
      await child.exited;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

type Line = { readonly message: string; readonly url?: string; readonly pid?: number; readonly ms?: number };

async function readUntilLoaded(stdout: ReadableStream<Uint8Array>): Promise<{ url: string; pid: number; loadMs: number }> {
  const decoder = new TextDecoder();
  let url = '';
  let model: Line | null = null;
  let text = '';
  for await (const chunk of stdout) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines.map((each) => JSON.parse(each) as Line)) {
      if (line.message === 'ready') url = line.url ?? '';
      if (line.message === 'the local model is ready') model = line;
      if (line.message.startsWith('the local model cannot')) throw new Error(JSON.stringify(line));
    }
    if (url !== '' && model !== null) return { url, pid: model.pid ?? 0, loadMs: model.ms ?? 0 };
  }
  throw new Error('the service ended before it was ready');
}

export function memoryOf(pid: number): { mb: number; fileMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { mb: mb('VmRSS'), fileMb: mb('RssFile') };
}

export type Answered = { readonly firstMs: number; readonly lastMs: number; readonly promptTokens: number; readonly tokens: number };

/** One streamed answer, timed from the question to its first and last piece. */
export async function ask(url: string, prompt: string, tokens: number): Promise<Answered> {
  const beganAt = performance.now();
  const response = await fetch(`${url}/local/generate?stream=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, max_tokens: tokens }),
  });
  if (response.body === null || !response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const decoder = new TextDecoder();
  let text = '';
  let firstAt = 0;
  let lastAt = 0;
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    lastAt = performance.now();
    if (firstAt === 0 && text.includes('data:')) firstAt = lastAt;
  }
  const done = /event: done\ndata: (.*)/.exec(text)?.[1];
  if (done === undefined) throw new Error(`the answer has no end: ${text.slice(-300)}`);
  const { usage } = JSON.parse(done) as { usage: { input_tokens: number; output_tokens: number } };
  return { firstMs: firstAt - beganAt, lastMs: lastAt - beganAt, promptTokens: usage.input_tokens, tokens: usage.output_tokens };
}
