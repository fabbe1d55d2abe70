import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SETTINGS } from '../../contract/settings.ts';
import { readConfig } from '../config.ts';
import { type ConfigRow, describeConfig, maskSecret } from './describe.ts';

function rows(env: Record<string, string>): Map<string, ConfigRow> {
  const cwd = mkdtempSync(join(tmpdir(), 'describe-'));
  try {
    return new Map(describeConfig(readConfig({ env, cwd })).map((row) => [row.name, row]));
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

describe('a printed secret', () => {
  const secrets: [string, string, string][] = [
    ['OPENAI_API_KEY', 'sk-abcdefghijklmnopqrstuvwxyz', 'sk-…wxyz'],
    ['OPENAI_API_KEY', 'abcdefghijklmnopqrstuvwxyz', '…wxyz'],
    ['OPENAI_API_KEY', 'sk-short', '…'],
    ['JWT_SECRET', 'abcdefghijklmnopqrstuvwxyz0123456789', '…'],
    ['ADMIN_PASSWORD', 'correct horse battery staple', '…'],
    ['DATABASE_URL', 'postgres://sluice:hunter2@db:5432/sluice?password=hunter2', 'postgres://sluice:…@db:5432/sluice?…'],
    ['REDIS_URL', 'redis://:hunter2@cache:6379', 'redis://:…@cache:6379'],
  ];
  test.each(secrets)('%s=%s is %s', (variable, secret, shown) => {
    expect(maskSecret(variable, secret)).toBe(shown);
  });
});

test('every setting has a row with its value and where it came from', () => {
  const all = rows({
    PORT: '81',
    OPENAI_BASE_URL: 'https://me:hunter2@proxy.example/v1',
    RATE_LIMIT_LOCAL: 'off',
    CORS_ORIGINS: 'https://a.example,https://b.example',
  });
  expect([...all.keys()]).toEqual(Object.values(SETTINGS).map((row) => row.env));
  expect(all.get('API_PORT')).toEqual({ name: 'API_PORT', value: '81', source: 'environment (PORT)', doc: SETTINGS.apiPort.doc });
  expect(all.get('OPENAI_BASE_URL')?.value).toBe('https://me:…@proxy.example/v1');
  expect(all.get('RATE_LIMIT_LOCAL')?.value).toBe('off');
  expect(all.get('RATE_LIMIT_GENERATE')).toMatchObject({ value: '10 per 1 minute', source: 'default' });
  expect(all.get('CORS_ORIGINS')?.value).toBe('https://a.example,https://b.example');
  expect(all.get('DATABASE_URL')).toMatchObject({ value: '', source: 'default' });
});
