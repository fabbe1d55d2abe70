import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** Starts the real process, as a user would, against the embedded database or against SLUICE_TEST_DATABASE_URL. */
export type Sluice = {
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  /** Every log line so far, parsed. */
  readonly logs: () => readonly LogLine[];
  readonly stderr: () => string;
  /** Ends with this signal and waits; answers the exit code. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number>;
  /** The signal that it died of, if it did not end by itself. */
  readonly killedBy: () => Bun.Subprocess['signalCode'];
  /** Ends it and removes what it left. */
  readonly stop: () => Promise<void>;
};

export type LogLine = { readonly level: string; readonly message: string; readonly [field: string]: unknown };
type Options = { readonly env?: Record<string, string>; readonly dataDir?: string; readonly command?: readonly string[] };

const ROOT = join(import.meta.dir, '..');
const START_LIMIT_MS = 30_000;
export const ADMIN = { username: 'admin', password: 'correct horse battery staple' };

export async function startSluice(options: Options = {}): Promise<Sluice> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const database = await testDatabase(options);
  const child = Bun.spawn(options.command ? [...options.command] : [process.execPath, '--no-env-file', 'src/main.ts', 'serve'], {
    cwd: ROOT,
    env: { ...cleanEnvironment(), API_PORT: '0', DATA_DIR: dataDir, ...QUIET, ADMIN_PASSWORD: ADMIN.password, ...database.env, ...options.env },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const logs: LogLine[] = [];
  let stderr = '';
  const ready = Promise.withResolvers<string>();
  void eachLine(child.stdout, (line) => {
    const parsed = JSON.parse(line) as LogLine;
    logs.push(parsed);
    if (parsed.message === 'ready') ready.resolve(String(parsed['url']));
  }).catch(ready.reject);
  void eachLine(child.stderr, (line) => {
    stderr += `${line}\n`;
  });
  void child.exited.then((code) =>
    ready.reject(new Error(`sluice ended with ${code} before it was ready\n${stderr}\n${logs.map((line) => JSON.stringify(line)).join('\n')}`)),
  );
  const late = setTimeout(() => ready.reject(new Error(`sluice was not ready within ${START_LIMIT_MS} ms\n${stderr}`)), START_LIMIT_MS);
  const url = await ready.promise.finally(() => clearTimeout(late));

  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number> => {
    child.kill(signal);
    return child.exited;
  };
  return {
    url,
    pid: child.pid,
    dataDir,
    logs: () => logs,
    stderr: () => stderr,
    end,
    killedBy: () => child.signalCode,
    async stop() {
      await end();
      await database.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** No limit by address stands in a test's way, and no wait for a provider's batch, unless it is what the test is about. */
const QUIET = {
  RATE_LIMIT_GENERATE: 'off',
  RATE_LIMIT_LOCAL: 'off',
  RATE_LIMIT_HEALTH: 'off',
  RATE_LIMIT_ANONYMOUS: 'off',
  JOB_BATCH_POLL_S: '0.1',
  JOB_BATCH_POLL_MAX_S: '0.3',
};

/** What the machine happens to have set must not decide a test. */
function cleanEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'USER', 'TMPDIR', 'LANG', 'SYSTEMROOT'];
  return {
    ...Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
    BUN_CONFIG_MAX_HTTP_REQUESTS: '16384',
    MIMALLOC_PURGE_DELAY: '10000',
  };
}

/** A database of its own on the server that the run was given; none where the embedded one is used, or the test brings one. */
async function testDatabase({ env }: Options): Promise<{ readonly env: Record<string, string>; readonly drop: () => Promise<void> }> {
  const server = process.env['SLUICE_TEST_DATABASE_URL'];
  if (!server || env?.['DATABASE_URL'] !== undefined) return { env: {}, drop: () => Promise.resolve() };
  const name = `sluice_test_${process.pid}_${crypto.randomUUID().slice(0, 8)}`;
  const administer = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await administer(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { env: { DATABASE_URL: url.href }, drop: () => administer(`drop database if exists ${name} with (force)`) };
}

async function eachLine(stream: ReadableStream<Uint8Array>, use: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') use(line);
  }
}

export type Answered<Body> = { readonly status: number; readonly headers: Headers; readonly json: Body; readonly text: string };

/** One call, read to its end. `Body` is what the test takes the JSON for. */
export async function call<Body = unknown>(url: string, init: RequestInit & { readonly json?: unknown } = {}): Promise<Answered<Body>> {
  const { json, ...rest } = init;
  const headers = new Headers(rest.headers);
  if (json !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
  const response = await fetch(url, { ...rest, headers, ...(json === undefined ? {} : { method: rest.method ?? 'POST', body: JSON.stringify(json) }) });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: (text !== '' && /json\b/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : null) as Body,
  };
}

/** An access token of the first user. */
export async function signIn(url: string): Promise<Record<string, string>> {
  const { status, json, text } = await call<{ access_token: string }>(`${url}/auth/login`, { json: ADMIN });
  if (status !== 200) throw new Error(`${ADMIN.username} could not sign in at ${url}: ${status} ${text}`);
  return { authorization: `Bearer ${json.access_token}` };
}

/** Waits for what happens outside of the test, and fails when it does not. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 5000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`It did not come about within ${limitMs} ms: ${String(condition)}`);
    await Bun.sleep(10);
  }
}

export type ServerEvent = { readonly id: string | null; readonly event: string; readonly data: string };

/** A whole event stream, parsed as a browser would. */
export function parseEvents(text: string): ServerEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '' && !block.split('\n').every((line) => line.startsWith(':')))
    .map((block) => {
      const fields = block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).replace(/^ /, '')] as const);
      const last = (name: string): string | null => fields.findLast(([field]) => field === name)?.[1] ?? null;
      return {
        id: last('id'),
        event: last('event') ?? 'message',
        data: fields
          .filter(([field]) => field === 'data')
          .map(([, value]) => value)
          .join('\n'),
      };
    });
}
