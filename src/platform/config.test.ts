import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SettingName } from '../contract/settings.ts';
import { type ConfigRead, readConfig } from './config.ts';
import { ConfigError, type ConfigProblem } from './config/config-error.ts';

type Files = Readonly<Record<string, string>>;
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function read(env: Record<string, string | undefined>, files: Files = {}): ConfigRead {
  const cwd = mkdtempSync(join(tmpdir(), 'config-'));
  folders.push(cwd);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  return readConfig({ env, cwd });
}

function problems(env: Record<string, string | undefined>, files: Files = {}): readonly ConfigProblem[] {
  try {
    read(env, files);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** A line a problem, and nothing else. */
function refusals(env: Record<string, string | undefined>, files: Files = {}): readonly string[] {
  return problems(env, files).map(({ where, message }) => `${where}: ${message}`);
}

const GOOD_SECRET = 'b7Jx2vQm9RkT4wZsYp6HnLc8FdGa3EuX5tVq';

describe('readConfig', () => {
  test('takes every default where nothing is set', () => {
    const { settings, sources, warnings } = read({});
    expect(settings).toMatchObject({
      apiHost: '127.0.0.1',
      apiPort: 8000,
      environment: 'development',
      defaultModel: null,
      trustProxy: [],
      allowAnonymous: null,
    });
    expect(settings.rateLimitGenerate).toEqual({ limit: 10, windowMs: 60_000, words: '10 per 1 minute' });
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
    expect(warnings).toEqual([]);
  });

  test('takes the environment before .env before the file before the default', () => {
    const files = { '.env': 'API_PORT=2\nAPP_NAME=two\n', 'sluice.config.yaml': 'settings:\n  API_PORT: 3\n  APP_NAME: three\n  CACHE_TTL_S: 3\n' };
    const { settings, sources } = read({ API_PORT: '1' }, files);
    expect(settings).toMatchObject({ apiPort: 1, appName: 'two', cacheTtlS: 3, maxPromptChars: 1000 });
    expect(sources).toMatchObject({ apiPort: 'environment', appName: '.env', cacheTtlS: 'file', maxPromptChars: 'default' });
  });

  test('says .env where Bun had loaded it into the environment, whatever Bun made of a $', () => {
    const files = { '.env': 'API_PORT=2\nADMIN_PASSWORD=long-and-$strange-password\n' };
    const { settings, sources } = read({ API_PORT: '2', ADMIN_PASSWORD: 'long-and--password' }, files);
    expect(settings).toMatchObject({ apiPort: 2, adminPassword: 'long-and-$strange-password' });
    expect(sources).toMatchObject({ apiPort: '.env', adminPassword: '.env' });
  });

  test('takes an empty value for none', () => {
    const { settings } = read({ API_PORT: '', OPENAI_API_KEY: '  ', APP_NAME: '' }, { '.env': 'APP_NAME=\nAPI_PORT=9\n' });
    expect(settings).toMatchObject({ apiPort: 9, openaiApiKey: null, appName: 'Sluice' });
  });

  const aliases: [string, SettingName, string][] = [
    ['PORT', 'apiPort', '8123'],
    ['APP_ENV', 'environment', 'development'],
    ['OPENAI_MODEL', 'defaultModel', 'gpt-4o'],
    ['OPENAI_ENGINE', 'defaultModel', 'gpt-4o'],
    ['OPENAI_TEMPERATURE', 'defaultTemperature', '0.25'],
    ['OPENAI_MAX_TOKENS', 'defaultMaxTokens', '77'],
    ['FAKE_USERNAME', 'adminUsername', 'ada'],
    ['FAKE_PASSWORD', 'adminPassword', 'a-long-enough-password-7'],
  ];
  test.each(aliases)('reads %s', (variable, name, text) => {
    const { settings, sources, variables } = read({ [variable]: text });
    expect(JSON.stringify(settings[name]).replaceAll('"', '')).toBe(text);
    expect([sources[name], variables[name]]).toEqual(['environment', variable]);
  });

  test('lets the first of two aliases win, with a warning where they differ', () => {
    const { settings, warnings } = read({ OPENAI_ENGINE: 'gpt-4', OPENAI_MODEL: 'gpt-4o' });
    expect(settings.defaultModel).toBe('gpt-4o');
    expect(warnings).toEqual([
      'OPENAI_MODEL (environment) and OPENAI_ENGINE (environment) mean the same and are set differently: OPENAI_MODEL wins. Remove the other.',
    ]);
    expect(read({ OPENAI_ENGINE: 'gpt-4o', OPENAI_MODEL: 'gpt-4o' }).warnings).toEqual([]);
  });

  test.each(['text-davinci-003', 'text-davinci-002', 'davinci', 'curie', 'babbage', 'ada', 'code-davinci-002', 'text-curie-001', 'openai/text-ada-001'])(
    'turns the retired engine %s into the default, with a warning',
    (engine) => {
      const { settings, sources, warnings } = read({ OPENAI_ENGINE: engine });
      expect([settings.defaultModel, sources.defaultModel]).toEqual([null, 'default']);
      expect(warnings.join()).toContain(`\`${engine}\` has been retired`);
    },
  );

  test.each(['gpt-4o-mini', 'davinci-002', 'babbage-002', 'ollama/ada'])('keeps the model %s', (model) => {
    expect(read({ DEFAULT_MODEL: model }).settings.defaultModel).toBe(model);
  });

  test('lists all problems at once, with the place of each and no secret', () => {
    const env = { API_PORT: '80a', ENV: 'staging', OPENAI_BASE_URL: 'ftp://user:hunter2@x', DATABASE_URL: 'mysql://root:hunter2@x/db' };
    const files = { '.env': '# a comment\nDEFAULT_TEMPERATURE=3\n', 'sluice.config.yaml': 'models: 3\n' };
    const found = problems(env, files);
    expect(found.map(({ where }) => where).toSorted()).toEqual([
      'API_PORT (environment)',
      'DATABASE_URL (environment)',
      'DEFAULT_TEMPERATURE (.env:2)',
      'ENV (environment)',
      'OPENAI_BASE_URL (environment)',
      'sluice.config.yaml:1:9',
    ]);
    const printed = new ConfigError(found).message;
    expect(printed).toContain('API_PORT (environment): must be a whole number from 0 to 65535, not "80a"');
    expect(printed).toContain('`models` must be a block of `name: value`');
    expect(printed).not.toContain('hunter2');
  });

  test('refuses a configuration file that is named and not there, and needs none', () => {
    expect(refusals({ SLUICE_CONFIG: 'other.yaml' }).join()).toMatch(/^SLUICE_CONFIG \(environment\): the configuration file `.*other.yaml` does not exist$/);
    expect(read({ SLUICE_CONFIG: 'other.yaml' }, { 'other.yaml': 'settings: { APP_NAME: other }' }).settings.appName).toBe('other');
  });

  test('refuses a file that has grown beyond all measure', () => {
    expect(refusals({}, { 'sluice.config.yaml': '#'.repeat(1_048_577) })).toEqual(['sluice.config.yaml: has 1048577 bytes; at most 1048576 are read']);
  });

  test('is frozen to the last part', () => {
    const { settings, file } = read({}, { 'sluice.config.yaml': 'models: { fast: { targets: [demo] } }' });
    expect([settings, settings.trustProxy, file.models, file.models['fast']?.targets].every(Object.isFrozen)).toBe(true);
  });

  test('reads a .env that PowerShell wrote in UTF-16', () => {
    const cwd = mkdtempSync(join(tmpdir(), 'config-'));
    folders.push(cwd);
    writeFileSync(join(cwd, '.env'), Buffer.from('\uFEFFAPI_PORT=81\r\n', 'utf16le'));
    expect(readConfig({ env: {}, cwd }).settings.apiPort).toBe(81);
  });
});

describe('a secret in a file', () => {
  const secrets: [string, SettingName][] = [
    ['OPENAI_API_KEY', 'openaiApiKey'],
    ['ANTHROPIC_API_KEY', 'anthropicApiKey'],
    ['JWT_SECRET', 'jwtSecret'],
    ['ADMIN_PASSWORD', 'adminPassword'],
    ['FAKE_PASSWORD', 'adminPassword'],
  ];
  test.each(secrets)('is read by %s_FILE without its last newline', (variable, name) => {
    const { settings } = read({ [`${variable}_FILE`]: 'secret.txt' }, { 'secret.txt': ` ${GOOD_SECRET}\n\n` });
    expect(settings[name]).toBe(` ${GOOD_SECRET}\n`);
  });

  test('is a problem that names it where it is missing or empty', () => {
    const [missing, empty, ...more] = refusals({ OPENAI_API_KEY_FILE: 'no.txt', JWT_SECRET_FILE: 'empty.txt' }, { 'empty.txt': '\n' });
    expect(missing).toMatch(/^OPENAI_API_KEY_FILE \(environment\): the file `.*no\.txt` does not exist$/);
    expect(empty).toMatch(/^JWT_SECRET_FILE \(environment\): the file `.*empty\.txt` is empty$/);
    expect(more).toEqual([]);
  });

  test('is watched', () => {
    expect(read({ JWT_SECRET_FILE: 'secret.txt' }, { 'secret.txt': GOOD_SECRET }).files.map((path) => path.split('/').at(-1))).toContain('secret.txt');
  });
});

describe('a misspelt variable', () => {
  const misspelt: [string, string][] = [
    ['OPENAI_API_KYE', 'OPENAI_API_KEY'],
    ['OPENAI_APIKEY', 'OPENAI_API_KEY'],
    ['API_PROT', 'API_PORT'],
    ['UPSTREAM_READ_TIMOUT_S', 'UPSTREAM_READ_TIMEOUT_S'],
    ['CACHE_TTL', 'CACHE_TTL_S'],
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['openai_api_key', 'OPENAI_API_KEY'],
    ['JWT_SECRET_FIEL', 'JWT_SECRET_FILE'],
  ];
  test.each(misspelt)('%s is warned about', (variable, meant) => {
    expect(read({ [variable]: 'x' }).warnings).toEqual([`${variable} (environment) is not a setting. Did you mean ${meant}?`]);
    expect(read({}, { '.env': `${variable}=x` }).warnings).toEqual([`${variable} (.env:1) is not a setting. Did you mean ${meant}?`]);
  });

  const others = [
    'PATH',
    'HOME',
    'TERM',
    'EDITOR',
    'LOG_LEVEL',
    'APP_PORT',
    'EXA_API_KEY',
    'ZAI_API_KEY',
    'OPENAI_API_BASE',
    'OPENAI_ORG_ID',
    'OTEL_EXPORTER_OTLP_HEADERS',
  ];
  test.each([...others, 'REDIS_PORT', 'HTTP_HOST', 'DEBUGGER', 'NODE_ENV', 'POSTGRES_PASSWORD'])('%s is nobody’s misspelling', (variable) => {
    expect(read({ [variable]: 'x' }).warnings).toEqual([]);
  });
});

describe('production', () => {
  const strong = { ENV: 'production', JWT_SECRET: GOOD_SECRET };
  test('takes strong secrets, and no password where none is given', () => {
    expect(read(strong).warnings).toEqual([]);
    expect(read({ ...strong, ADMIN_PASSWORD: 'correct horse battery' }).warnings).toEqual([]);
  });

  const weak: [Record<string, string>, string, RegExp][] = [
    [{ ENV: 'production' }, 'JWT_SECRET', /must be set in production/],
    [{ ...strong, JWT_SECRET: 'changeme' }, 'JWT_SECRET (environment)', /sample/],
    [{ ...strong, JWT_SECRET: 'your-secret-key' }, 'JWT_SECRET (environment)', /sample/],
    [{ ...strong, JWT_SECRET: 'your-super-secret-jwt-key-change-in-production' }, 'JWT_SECRET (environment)', /sample/],
    [{ ...strong, JWT_SECRET: 'b7Jx2vQm9RkT4wZsYp6HnLc8FdGa3Eu' }, 'JWT_SECRET (environment)', /has 31 bytes; at least 32/],
    [{ ...strong, JWT_SECRET: 'a'.repeat(40) }, 'JWT_SECRET (environment)', /repeats itself/],
    [{ ...strong, JWT_SECRET: '0123456789abcdef0123456789abcdef' }, 'JWT_SECRET (environment)', /repeats itself/],
    [{ ...strong, ADMIN_PASSWORD: '1234' }, 'ADMIN_PASSWORD (environment)', /sample/],
    [{ ...strong, FAKE_PASSWORD: 'sk-1234' }, 'FAKE_PASSWORD (environment)', /sample/],
    [{ ...strong, ADMIN_PASSWORD: 'fourteen chars' }, 'ADMIN_PASSWORD (environment)', /has 14 characters; at least 15/],
  ];
  test.each(weak)('refuses %j', (env, where, message) => {
    const [found, ...more] = problems(env);
    expect([found?.where, more]).toEqual([where, []]);
    expect(found?.message).toMatch(message);
    expect(found?.hint).toContain('openssl rand');
  });

  test.each(weak.slice(1))('is what development only warns of: %j', (env, where, message) => {
    const { warnings } = read({ ...env, ENV: 'development' });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(message);
    expect(warnings[0]).toStartWith(where);
  });
});

describe('a provider’s address', () => {
  const own = [
    'http://127.0.0.1:8000/v1',
    'http://localhost:8000',
    'http://[::1]:8000/v1',
    'http://0.0.0.0:8000',
    'http://127.1:8000',
    'http://LOCALHOST.:8000',
    'http://[::ffff:127.0.0.1]:8000',
  ];
  test.each(own)('%s is refused as our own', (url) => {
    const why = 'points at Sluice itself, so that every call would come back to us';
    expect(refusals({ OPENAI_BASE_URL: url })).toEqual([`OPENAI_BASE_URL (environment): ${why}`]);
    const inFile = refusals({}, { 'sluice.config.yaml': `providers:\n  loop:\n    base_url: ${url}\n` });
    expect(inFile).toEqual([`sluice.config.yaml:3:15: ${why}`]);
  });

  const others: [string, Record<string, string>][] = [
    ['http://127.0.0.1:8001/v1', {}],
    ['http://localhost:8000/v1', { API_PORT: '8001' }],
    ['http://localhost:8000/v1', { API_HOST: '10.0.0.5' }],
    ['http://10.0.0.5:8000/v1', {}],
    ['https://api.openai.com/v1', {}],
  ];
  test.each(others)('%s is taken with %j', (url, env) => {
    expect(read({ ...env, OPENAI_BASE_URL: url }).settings.openaiBaseUrl).toBe(url);
  });

  test('is our own by name and by a default port too', () => {
    expect(problems({ API_HOST: 'gateway.internal', API_PORT: '80', OPENAI_BASE_URL: 'http://gateway.internal/v1' })).toHaveLength(1);
  });
});

describe('rules of single settings', () => {
  const refused: [string, string, RegExp][] = [
    ['TRUST_PROXY', '10.0.0.0/8, nginx', /"nginx" is neither an address nor a network/],
    ['TRUST_PROXY', '10.0.0.0/33', /neither an address/],
    ['UNKNOWN_PRICE', 'nothing', /must be two prices such as `2.50\/10.00`, or `free`, or `refuse`, not "nothing"/],
    ['CORS_ORIGINS', 'https://a.example/app', /is not an origin/],
    ['CORS_ORIGINS', 'a.example', /is not an origin/],
    ['REDIS_URL', 'http://x', /must start with `redis:/],
    ['https_proxy', 'https://proxy:3129', /must start with `http:/],
    ['DATABASE_URL', 'postgresql+asyncpg://x/y', /must start with `postgres:/],
  ];
  test.each(refused)('%s refuses %j', (variable, text, message) => {
    const [found, ...more] = problems({ [variable]: text });
    expect([found?.where, more]).toEqual([`${variable} (environment)`, []]);
    expect(found?.message).toMatch(message);
  });

  test('lists are split, and their forms accepted', () => {
    const { settings } = read({ TRUST_PROXY: 'loopback, private ,10.1.2.3,fd00::/8', CORS_ORIGINS: 'https://a.example, http://localhost:3000' });
    expect(settings.trustProxy).toEqual(['loopback', 'private', '10.1.2.3', 'fd00::/8']);
    expect(settings.corsOrigins).toEqual(['https://a.example', 'http://localhost:3000']);
  });
});

test('the example file and .env.example are good as they stand, and .env.example holds the defaults', () => {
  const root = join(import.meta.dirname, '../..');
  const example = read({}, { 'sluice.config.yaml': readFileSync(join(root, 'examples/sluice.config.yaml'), 'utf8') });
  expect(Object.keys(example.file.providers)).toEqual(['ollama', 'vllm']);
  expect(example.warnings).toEqual([]);
  const uncommented = readFileSync(join(root, '.env.example'), 'utf8').replaceAll(/^# (?=[A-Z0-9_]+=)/gm, '');
  expect(read({}, { '.env': uncommented.replace(/^SLUICE_CONFIG=.*$/m, '') }).settings).toEqual(read({}).settings);
});

test('neither the YAML parser nor the schema is loaded where there is no file', () => {
  const script = `
    const { readConfig } = await import(${JSON.stringify(join(import.meta.dirname, 'config.ts'))});
    readConfig({ env: {}, cwd: ${JSON.stringify(tmpdir())} });
    console.log(Object.keys(require.cache).filter((path) => /node_modules.(yaml|zod)/.test(path)).length);`;
  const run = Bun.spawnSync([process.execPath, '-e', script], { env: {} });
  expect(run.stdout.toString().trim()).toBe('0');
});
