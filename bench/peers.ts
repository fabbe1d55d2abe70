import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { askGenerate, askOpenai } from './ask.ts';
import { freePort, type Place, type Target } from './target.ts';

/** Others that somebody might use instead, as bench/install-peers.sh leaves them, each set up as its own documents say for speed. */
const INSTALLED = process.env['SLUICE_BENCH_PEERS'] ?? join(homedir(), '.cache', 'sluice-peers');
const MASTER_KEY = 'sk-bench-1';
const UPSTREAM_KEY = 'sk-upstream-0123456789';
const PYTHON_START_MS = 120_000;

type Peer = { readonly program: string; readonly target: (place: Place, program: string, port: number) => Omit<Target, 'name' | 'port'> };

const PEERS: Readonly<Record<string, Peer>> = {
  rolter: { program: 'compiled/bin/rolter', target: rolter },
  ferrogw: { program: 'compiled/bin/ferrogw', target: ferrogw },
  portkey: { program: 'portkey/node_modules/@portkey-ai/gateway/build/start-server.js', target: portkey },
  fastapi: { program: 'fastapi/bin/uvicorn', target: fastapi },
  litellm: { program: 'litellm/bin/litellm', target: litellm },
};

/** All that are installed where no names are given. */
export function peers(place: Place, names: readonly string[]): { readonly targets: readonly Target[]; readonly absent: readonly string[] } {
  const targets: Target[] = [];
  const absent: string[] = [];
  for (const name of names.length === 0 ? Object.keys(PEERS) : names) {
    const peer = PEERS[name];
    if (!peer) throw new Error(`There is no peer ${name}; there are ${Object.keys(PEERS).join(', ')}`);
    const program = join(INSTALLED, peer.program);
    const port = freePort();
    if (existsSync(program)) targets.push({ name, port, ...peer.target(place, program, port) });
    else absent.push(`${name}: it is not installed; sh bench/install-peers.sh`);
  }
  return { targets, absent };
}

function configuration(place: Place, name: string, text: string): string {
  const path = join(place.folder, name);
  mkdirSync(place.folder, { recursive: true });
  writeFileSync(path, text);
  return path;
}

function rolter(place: Place, program: string, port: number): Omit<Target, 'name' | 'port'> {
  const settings = configuration(
    place,
    'rolter.toml',
    `[server]
require_auth = true
host = "127.0.0.1"
port = ${port}
[[providers]]
name = "simulator"
kind = "openai_compatible"
api_base = "${new URL(place.upstreamUrl).origin}"
[[routes]]
model = "gpt-4o-mini"
strategy = "round_robin"
[[routes.targets]]
provider = "simulator"
model = "gpt-4o-mini"
[[virtual_keys]]
key = "${MASTER_KEY}"
name = "bench"
models = []
disabled = false
# With its queue, which is on by default, one call at a time waits for the provider.
[queue]
enabled = false
`,
  );
  return { command: [program, 'gateway', '-c', settings], env: { RUST_LOG: 'error', ROLTER_KEY_PEPPER: 'bench' }, ask: askOpenai() };
}

function ferrogw(place: Place, program: string, port: number): Omit<Target, 'name' | 'port'> {
  const settings = configuration(place, 'ferrogw.yaml', 'strategy:\n  mode: fallback\ntargets:\n  - virtual_key: openai\n');
  return {
    command: [program, 'serve'],
    env: {
      PORT: String(port),
      GATEWAY_CONFIG: settings,
      MASTER_KEY,
      OPENAI_API_KEY: UPSTREAM_KEY,
      OPENAI_BASE_URL: place.upstreamUrl,
      FERRO_MODEL_CATALOG_TIMEOUT: '0',
      LOG_LEVEL: 'error',
      RATE_LIMIT_RPS: '1000000',
      RATE_LIMIT_BURST: '1000000',
    },
    ask: askOpenai(),
  };
}

function portkey(place: Place, program: string, port: number): Omit<Target, 'name' | 'port'> {
  return {
    command: ['node', program, `--port=${port}`, '--headless'],
    env: { NODE_ENV: 'production', PORT: String(port), TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
    ask: askOpenai({ 'x-portkey-provider': 'openai', 'x-portkey-custom-host': place.upstreamUrl }),
  };
}

function fastapi(place: Place, program: string, port: number): Omit<Target, 'name' | 'port'> {
  const listening = ['--host', '127.0.0.1', '--port', String(port), '--workers', '1'];
  return {
    command: [program, 'fastapi_service:app', '--app-dir', join(import.meta.dir, 'peers'), ...listening, '--no-access-log', '--log-level', 'warning'],
    env: { UPSTREAM_URL: place.upstreamUrl, PYTHONDONTWRITEBYTECODE: '1' },
    ask: askGenerate('/generate/stream', 'data: [DONE]'),
    startLimitMs: PYTHON_START_MS,
  };
}

function litellm(place: Place, program: string, port: number): Omit<Target, 'name' | 'port'> {
  const settings = configuration(
    place,
    'litellm.yaml',
    `model_list:
  - model_name: gpt-4o-mini
    litellm_params: { model: openai/gpt-4o-mini, api_key: ${UPSTREAM_KEY}, api_base: '${place.upstreamUrl}' }
general_settings: { master_key: ${MASTER_KEY}, disable_spend_logs: true, disable_error_logs: true }
litellm_settings: { request_timeout: 600, set_verbose: false, json_logs: true, telemetry: false }
`,
  );
  const quiet = { LITELLM_MODE: 'PRODUCTION', LITELLM_LOG: 'ERROR', LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_TELEMETRY: 'False' };
  return {
    command: [program, '--config', settings, '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1'],
    env: { ...quiet, PATH: `${join(INSTALLED, 'litellm/bin')}:${process.env['PATH'] ?? ''}` },
    ask: askOpenai(),
    startLimitMs: PYTHON_START_MS,
  };
}
