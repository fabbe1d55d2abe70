import { mkdirSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Provider } from '../core/provider.ts';
import { systemClock } from '../platform/clock.ts';
import { type ConfigRead, type ConfigSource, readConfig } from '../platform/config.ts';
import { ConfigError } from '../platform/config/config-error.ts';
import { createSend } from '../platform/egress.ts';
import { createLog } from '../platform/log.ts';
import { portTrouble } from '../platform/port.ts';
import { migrate } from '../platform/postgres/migrate.ts';
import { openDatabase } from '../platform/postgres/open.ts';
import { isRuntimeNewEnough, oldestRuntime, runtimeVersion } from '../platform/runtime.ts';
import { allowedOrigins, snapshot } from './snapshot.ts';

type Finding = { readonly check: string; readonly ok: boolean; readonly found: string; readonly mend?: string };

const DISK_BYTES_MIN = 500 * 1024 * 1024;
const CHECK_LIMIT_MS = 5_000;
/** Before this, certificates and tokens are judged by a clock that was never set. */
const CLOCK_MIN = Date.UTC(2026, 0, 1);

/** `sluice doctor`: everything that a newcomer can get wrong, and how to mend it. */
export async function doctor(source: ConfigSource, { json }: { readonly json: boolean }): Promise<number> {
  const findings = [checkRuntime(), checkClock(), ...(await checkConfigured(source))];
  if (json) process.stdout.write(`${JSON.stringify({ ok: findings.every((finding) => finding.ok), findings })}\n`);
  else process.stdout.write(`${findings.map(line).join('\n')}\n`);
  return findings.every((finding) => finding.ok) ? 0 : 1;
}

function line({ check, ok, found, mend }: Finding): string {
  return `${ok ? '✓' : '✗'} ${check.padEnd(14)} ${found}${ok || mend === undefined ? '' : `\n  ${' '.repeat(14)} → ${mend}`}`;
}

function checkRuntime(): Finding {
  const check = 'runtime';
  if (!isRuntimeNewEnough(runtimeVersion)) {
    return { check, ok: false, found: `Bun ${runtimeVersion}`, mend: `Bun ${oldestRuntime} or newer is needed; \`make start\` brings it.` };
  }
  return { check, ok: true, found: `Bun ${runtimeVersion}` };
}

function checkClock(): Finding {
  const now = new Date();
  return { check: 'clock', ok: now.getTime() > CLOCK_MIN, found: now.toISOString(), mend: "Set this machine's clock; sign-ins and TLS depend on it." };
}

async function checkConfigured(source: ConfigSource): Promise<Finding[]> {
  let read: ConfigRead;
  try {
    read = readConfig(source);
    await snapshot(read, 1);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    return cause.problems.map(({ where, message, hint }): Finding => {
      const finding = { check: 'configuration', ok: false, found: `${where}: ${message}` };
      return hint === undefined ? finding : Object.assign(finding, { mend: hint });
    });
  }
  const warnings = read.warnings.length === 0 ? 'good' : `good, with warnings: ${read.warnings.join(' · ')}`;
  const port = checkPort(read);
  return [{ check: 'configuration', ok: true, found: warnings }, port, checkDataDir(read), await checkDatabase(read), ...(await checkProviders(read))];
}

function checkPort({ settings: { apiHost, apiPort } }: ConfigRead): Finding {
  const check = 'port';
  const where = `${apiHost}:${apiPort}`;
  const trouble = portTrouble(apiHost, apiPort);
  if (trouble === null) return { check, ok: true, found: `${where} is free` };
  if (trouble.code !== 'EADDRINUSE') {
    return { check, ok: false, found: `${where}: ${trouble.message}`, mend: 'API_HOST must be an address of this machine; ports below 1024 need root.' };
  }
  // Our own service, running, is no fault.
  if (trouble.owner?.startsWith('bun ')) return { check, ok: true, found: `${where} is taken by ${trouble.owner}: probably Sluice itself` };
  const by = trouble.owner === null ? '' : ` by ${trouble.owner}`;
  return { check, ok: false, found: `${where} is taken${by}`, mend: `Stop it, or set API_PORT=${apiPort + 1}.` };
}

function checkDataDir({ settings }: ConfigRead): Finding {
  const check = 'data folder';
  const folder = resolve(settings.dataDir);
  const probe = join(folder, `.doctor-${process.pid}`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(probe, '');
    unlinkSync(probe);
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    return {
      check,
      ok: free > DISK_BYTES_MIN,
      found: `${folder}, ${(free / 1e9).toFixed(1)} GB free`,
      mend: 'Make room on this disk, or set DATA_DIR to another one.',
    };
  } catch (cause) {
    return {
      check,
      ok: false,
      found: `${folder}: ${cause instanceof Error ? cause.message : String(cause)}`,
      mend: 'Set DATA_DIR to a folder that you may write to.',
    };
  }
}

async function checkDatabase({ settings }: ConfigRead): Promise<Finding> {
  const check = 'database';
  const log = createLog({ level: 'error', pretty: false, write: () => undefined });
  try {
    const database = await openDatabase({ databaseUrl: settings.databaseUrl, dataDir: resolve(settings.dataDir), log });
    try {
      const latencyMs = await database.ping();
      const { applied } = await migrate(database.pool, log);
      return {
        check,
        ok: true,
        found: `${database.where}, ${latencyMs.toFixed(1)} ms${applied.length > 0 ? `, brought up to date (${applied.length} migrations)` : ''}`,
      };
    } finally {
      await database.close();
    }
  } catch (cause) {
    const hint = cause instanceof Error && 'hint' in cause ? String(cause.hint) : 'The message says what the database did not like.';
    return { check, ok: false, found: cause instanceof Error ? cause.message : String(cause), mend: hint };
  }
}

async function checkProviders(read: ConfigRead): Promise<Finding[]> {
  const config = await snapshot(read, 1);
  const { settings } = config;
  const times = { connectMs: CHECK_LIMIT_MS, readMs: CHECK_LIMIT_MS, writeMs: CHECK_LIMIT_MS };
  const send = createSend({ clock: systemClock, times: () => times, allowedOrigins: () => allowedOrigins(config), proxies: settings });
  const ask = async (provider: Provider): Promise<Finding> => {
    const check = provider.id;
    if (!provider.check) return { check, ok: true, found: 'built in' };
    try {
      await provider.check({ send, signal: AbortSignal.timeout(CHECK_LIMIT_MS), requestId: 'doctor', random: Math.random, sleep: systemClock.sleep });
      return { check, ok: true, found: provider.origin === null ? `${provider.main ?? 'a model'} on this machine` : `${provider.origin} answers` };
    } catch (cause) {
      return {
        check,
        ok: false,
        found: cause instanceof Error ? cause.message : String(cause),
        mend:
          provider.origin === null
            ? '`sluice models list` shows the models of this machine, and `sluice models pull` fetches one.'
            : `Check its key and its address (${provider.origin}), and that this machine may reach it.`,
      };
    }
  };
  const findings = await Promise.all([...config.providers.values()].map(ask));
  const real = [...config.providers.values()].some(({ id, origin, main }) => origin !== null || (main !== undefined && id === config.defaultModel));
  return [
    ...findings,
    {
      check: 'default model',
      ok: true,
      found: real ? config.defaultModel : `${config.defaultModel} (set the key of a provider, such as OPENAI_API_KEY, for real answers)`,
    },
  ];
}
