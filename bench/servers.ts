import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages } from '../scripts/testing/debian.ts';
import { askGenerate, askOpenai, SYSTEM } from './ask.ts';
import { freePort, type Place, type Target } from './target.ts';

/** The two that every run starts. */
const ADMIN_PASSWORD = 'a password of the benchmark';
const ROOT = join(import.meta.dir, '..');

export function sluice(place: Place): Target {
  const port = freePort();
  const dataDir = join(place.folder, 'sluice-data');
  const plain = askGenerate('/generate?stream=true', 'event: done\n', SYSTEM);
  let key = '';
  return {
    name: 'Sluice',
    port,
    command: ['sh', join(ROOT, 'bin', 'sluice'), 'serve'],
    env: {
      API_PORT: String(port),
      ADMIN_PASSWORD,
      DATA_DIR: dataDir,
      OPENAI_API_KEY: 'sk-bench-1',
      OPENAI_BASE_URL: place.upstreamUrl,
      RATE_LIMIT_GENERATE: 'off',
    },
    cwd: ROOT,
    ask(kind) {
      const ask = plain(kind);
      return kind === 'keyed' ? { ...ask, headers: { ...ask.headers, authorization: `Bearer ${key}` } } : ask;
    },
    async prepare() {
      key = await newKey(`http://127.0.0.1:${port}`);
    },
    databasePid: () => postmaster(join(dataDir, 'postgres')),
  };
}

/** With all that may be said of one, and never reached. */
const BOUNDS = { rpm: 2_000_000_000, tpm: 2_000_000_000, max_parallel: 10_000, budget: { usd: 1_000_000, period: 'month' } };

async function newKey(url: string): Promise<string> {
  // The first user comes a moment after the first answer.
  while (!(await fetch(`${url}/readyz`)).ok) await Bun.sleep(20);
  const { access_token } = await posted<{ readonly access_token: string }>(`${url}/auth/login`, { username: 'admin', password: ADMIN_PASSWORD });
  const { key } = await posted<{ readonly key: string }>(`${url}/api/v1/keys`, { name: 'bench', ...BOUNDS }, { authorization: `Bearer ${access_token}` });
  return key;
}

async function posted<Answer>(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

function postmaster(folder: string): number | null {
  const found = Bun.spawnSync(['head', '-n', '1', join(folder, 'postmaster.pid')]);
  return found.success ? Number(found.stdout.toString()) : null;
}

/** Null where there is none and none can be installed; the words say why. */
export async function nginx(place: Place): Promise<Target | string> {
  if (nginxPath() === null) {
    const refusal = await installPackages(['nginx-light']);
    if (refusal !== null) return refusal;
  }
  const path = nginxPath();
  if (path === null) return 'it was installed and is not there';
  const port = freePort();
  const folder = join(place.folder, 'nginx');
  mkdirSync(folder, { recursive: true });
  const configuration = join(folder, 'nginx.conf');
  writeFileSync(configuration, nginxConfiguration(folder, port, new URL(place.upstreamUrl).host));
  return { name: 'nginx', port, command: [path, '-e', join(folder, 'error.log'), '-c', configuration], env: {}, ask: askOpenai() };
}

/** Debian keeps it where only root's PATH looks. */
function nginxPath(): string | null {
  return Bun.which('nginx') ?? Bun.which('nginx', { PATH: '/usr/sbin:/usr/local/sbin' });
}

/** One worker, connections kept on both sides, nothing logged, nothing buffered: what a proxy of streams is, and no more. */
function nginxConfiguration(folder: string, port: number, upstream: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path ${join(folder, name)};`);
  return `${process.getuid?.() === 0 ? 'user root;\n' : ''}worker_processes 1;
daemon off;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'error.log')} warn;
worker_rlimit_nofile 16384;
events { worker_connections 8192; multi_accept on; }
http {
  access_log off;
${temporary.join('\n')}
  keepalive_requests 10000000;
  upstream provider { server ${upstream}; keepalive 2048; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port} backlog=2048;
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      client_body_buffer_size 64k;
    }
  }
}
`;
}
