import { describe, expect, test } from 'bun:test';
import { DOCUMENTS, staleDocuments } from '../scripts/gen-docs.ts';
import { SETTINGS, type SettingRow, variablesOf } from '../src/contract/settings.ts';
import { readProjectFile } from './tree.ts';

const ROWS: readonly SettingRow[] = Object.values(SETTINGS);

describe('the variables', () => {
  /** As the contract promises them: a name, its aliases, its default. */
  const promised: [string, readonly string[], string | null][] = [
    ['API_HOST', [], '127.0.0.1'],
    ['API_PORT', ['PORT'], '8000'],
    ['ENV', ['APP_ENV'], 'development'],
    ['DEBUG', [], 'false'],
    ['APP_NAME', [], 'Sluice'],
    ['APP_LOG_LEVEL', [], 'INFO'],
    ['OPENAI_API_KEY', [], null],
    ['OPENAI_BASE_URL', [], null],
    ['ANTHROPIC_API_KEY', [], null],
    ['ANTHROPIC_BASE_URL', [], null],
    ['GEMINI_API_KEY', [], null],
    ['DEFAULT_MODEL', ['OPENAI_MODEL', 'OPENAI_ENGINE'], null],
    ['DEFAULT_TEMPERATURE', ['OPENAI_TEMPERATURE'], '0.7'],
    ['DEFAULT_MAX_TOKENS', ['OPENAI_MAX_TOKENS'], '1000'],
    ['LOCAL_MODEL_PATH', [], null],
    ['LOCAL_MODEL', [], 'tinyllama'],
    ['JWT_SECRET', [], null],
    ['ADMIN_USERNAME', ['FAKE_USERNAME'], 'admin'],
    ['ADMIN_PASSWORD', ['FAKE_PASSWORD'], null],
    ['ALLOW_ANONYMOUS', [], null],
    ['DATABASE_URL', [], null],
    ['DATA_DIR', [], './data'],
    ['REDIS_URL', [], null],
    ['CORS_ORIGINS', [], null],
    ['CACHE_TTL_S', [], '3600'],
    ['CACHE_MAX_ENTRIES', [], '10000'],
    ['RATE_LIMIT_GENERATE', [], '10/minute'],
    ['RATE_LIMIT_LOCAL', [], '20/minute'],
    ['RATE_LIMIT_HEALTH', [], '30/minute'],
    ['MAX_PROMPT_CHARS', [], '1000'],
    ['UPSTREAM_CONNECT_TIMEOUT_S', [], '10'],
    ['UPSTREAM_READ_TIMEOUT_S', [], '20'],
    ['UPSTREAM_WRITE_TIMEOUT_S', [], '10'],
    ['UPSTREAM_MAX_RETRIES', [], '3'],
    ['UPSTREAM_BACKOFF_BASE_S', [], '1'],
    ['JOB_POLL_INTERVAL_S', [], '30'],
    ['JOB_CONCURRENCY', [], '16'],
    ['TRUST_PROXY', [], ''],
    ['SHUTDOWN_GRACE_S', [], '25'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', [], null],
  ];
  test.each(promised)('%s is there with its aliases and default', (env, aliases, value) => {
    const row = ROWS.find((one) => one.env === env);
    expect([row?.aliases ?? [], row?.default]).toEqual([aliases, value]);
  });

  test('no name means two settings', () => {
    const names = ROWS.flatMap(variablesOf);
    expect(names.length).toBe(new Set(names).size);
  });

  test('everything that holds a secret can come from a file', () => {
    const named = ROWS.filter(({ env }) => /KEY$|SECRET$|PASSWORD$|^(DATABASE|REDIS)_URL$/.test(env));
    expect(named.filter(({ kind }) => kind !== 'secret')).toEqual([]);
    expect(named.length).toBeGreaterThan(5);
  });
});

describe('the generated documents', () => {
  test('are what the tables say: run `bun scripts/gen-docs.ts` where this fails', async () => {
    expect(await staleDocuments()).toEqual([]);
  });

  // openapi.json is what the service serves, byte for byte, and that says nothing of how it was made.
  const pages = DOCUMENTS.map(({ path }) => path).filter((path) => path !== 'docs/openapi.json');
  test.each(pages)('%s says how it was made', (path) => {
    expect(readProjectFile(path).slice(0, 250)).toContain('bun scripts/gen-docs.ts');
  });
});
