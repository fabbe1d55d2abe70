import { describe, expect, test } from 'bun:test';
import { readYamlFile } from './yaml-file.ts';

const VARIABLES: Record<string, string> = { KEY: 'sk-1', HOST: 'http://ollama.internal' };
const readText = (text: string) => readYamlFile(text, 'c.yaml', (variable) => VARIABLES[variable] ?? null);
const printed = (text: string): string[] =>
  readText(text).problems.map(({ where, message, hint }) => `${where} ${message}${hint === undefined ? '' : ` ${hint}`}`);

test('a file says providers, models, prices and settings', () => {
  const { file, settings, problems } = readText(`
providers:
  ollama: { base_url: "\${HOST}/v1", api_key: "\${KEY}", models: [qwen3] }
models:
  fast: { targets: [ollama/qwen3, { model: demo, weight: 2 }], fallbacks: [demo] }
prices:
  ollama/qwen3: { input: 0, output: 0.5, above: { tokens: 1000, input: 0, output: 1 } }
  ollama/*: { input: 0, output: 0 }
settings:
  API_PORT: 81
  DEBUG: true
`);
  expect(problems).toEqual([]);
  expect(file.providers['ollama']).toMatchObject({ base_url: 'http://ollama.internal/v1', api_key: 'sk-1', kind: 'openai-compatible' });
  expect(file.prices).toMatchObject({ 'ollama/qwen3': { output: 0.5, above: { tokens: 1000, output: 1 } }, 'ollama/*': { input: 0 } });
  expect(file.models['fast']?.targets).toEqual(['ollama/qwen3', { model: 'demo', weight: 2 }]);
  expect([...settings].map(([name, { value, place }]) => [name, value, place])).toEqual([
    ['API_PORT', '81', 'c.yaml:10:13'],
    ['DEBUG', 'true', 'c.yaml:11:10'],
  ]);
});

test.each(['', '# nothing\n', '---\n'])('%j is an empty file', (text) => {
  expect(readText(text)).toMatchObject({ problems: [], file: { providers: {}, models: {}, prices: {}, settings: {} } });
});

describe('a problem says line, column and what to do', () => {
  const cases: [string, string, string[]][] = [
    ['a missing key', 'providers:\n  a:\n    base_ulr: http://x\n', ['c.yaml:2:3 `providers.a.base_url` is missing']],
    ['a wrong type', 'providers:\n  a: { base_url: 3 }', ['c.yaml:2:18 `providers.a.base_url` must be text']],
    [
      'no address',
      'providers:\n  a: { base_url: ftp://x }',
      ['c.yaml:2:18 `providers.a.base_url` must be an address that starts with `http://` or `https://`'],
    ],
    [
      'what is for another kind of provider',
      'providers:\n  a: { base_url: "http://x", kind: anthropic, dialects: [openai-chat] }',
      ['c.yaml:2:57 `providers.a.dialects`: is not for the kind `anthropic`'],
    ],
    [
      'a word of a list',
      'providers:\n  a: { base_url: "http://x", kind: foo }',
      ['c.yaml:2:36 `providers.a.kind` must be `openai` or `openai-compatible` or `anthropic` or `azure` or `ai-sdk`'],
    ],
    [
      'a bad name',
      'providers:\n  A B: { base_url: "http://x" }',
      ['c.yaml:2:3 `providers.A B` is not a good name: lower-case letters, digits, dot, dash and underscore'],
    ],
    [
      'one branch of two',
      'models:\n  f:\n    targets:\n      - { modle: x }',
      ['c.yaml:4:9 `models.f.targets.0.model` is missing', 'c.yaml:4:11 unknown key `models.f.targets.0.modle` Did you mean `model`?'],
    ],
    ['neither branch', 'models:\n  f: { targets: [3] }', ['c.yaml:2:18 `models.f.targets.0` must be text or a block of `key: value`']],
    ['an empty list', 'models:\n  f: { targets: [] }', ['c.yaml:2:17 `models.f.targets` must be a list of at least 1']],
    [
      'a price of nobody',
      'prices:\n  gpt-4o: { input: 1, output: 1 }',
      ['c.yaml:2:3 `prices.gpt-4o` is not a good name: write `provider/model`, or `provider/*` for all of its models'],
    ],
    ['a number too small', 'prices:\n  a/b: { input: -1, output: 1 }', ['c.yaml:2:17 `prices.a/b.input` must be at least 0']],
    [
      'a setting that names the file',
      'settings:\n  SLUICE_CONFIG: x',
      ['c.yaml:2:3 `SLUICE_CONFIG` names this file and cannot stand within it Set it in the environment.'],
    ],
    ['a list as a setting', 'settings:\n  API_PORT: [1]', ['c.yaml:2:13 `settings.API_PORT` must be text or a number or `true` or `false`']],
    ['a redaction that there is not', 'privacy:\n  redact: [emial]', ['c.yaml:2:12 `privacy.redact.0` must be `email` or `phone` or `card` or `key`']],
    ['no time at all', 'retention:\n  bodies_days: 0', ['c.yaml:2:16 `retention.bodies_days` must be at least 1']],
    ['no map at all', '- a', ['c.yaml:1:1 the file must be a block of `key: value`']],
    ['a prototype', 'models:\n  __proto__: { targets: [x] }', ['c.yaml:2:3 `__proto__` cannot be a key']],
    [
      'a missing variable',
      'providers:\n  a: { base_url: "http://x", api_key: "${NONE}" }',
      ['c.yaml:2:39 `${NONE}` names a variable that is not set Set NONE in the environment or in .env, or NONE_FILE to a file that holds it.'],
    ],
  ];
  test.each(cases)('%s', (_, text, expected) => {
    expect(printed(text)).toEqual(expected);
  });

  const broken: [string, string][] = [
    ['a: [1, 2\nb: 3', 'c.yaml:2:1 this is not valid YAML: flow sequence'],
    ['models: {}\nmodels: {}', 'c.yaml:2:1 this is not valid YAML: map keys must be unique'],
    ['\tmodels: {}', 'c.yaml:1:1 this is not valid YAML: tabs are not allowed'],
    ['models: "x', 'c.yaml:1:11 this is not valid YAML: missing closing'],
    ['models: *x', 'c.yaml:1:9 `*x` names an anchor'],
    ['models: !!js/function x', 'c.yaml:1:9 this is not valid YAML: unresolved tag'],
    ['a: 1\n---\nb: 2', 'c.yaml:2:1 this is not valid YAML: source contains multiple documents'],
  ];
  test.each(broken)('%j', (text, start) => {
    expect(printed(text)[0]).toStartWith(start);
    expect(readText(text).file.models).toEqual({});
  });
});

describe('an unknown key is left out with a warning that says line, column and what was meant', () => {
  const cases: [string, string, string][] = [
    ['a section', 'provders: {}', 'c.yaml:1:1: unknown key `provders`. Did you mean `providers`?'],
    [
      'nothing near',
      'gateways: {}',
      'c.yaml:1:1: unknown key `gateways`. Known here: providers, models, prices, catalog, privacy, retention, webhooks, settings.',
    ],
    ['what is to be kept', 'privacy:\n  keep_bodys: all', 'c.yaml:2:3: unknown key `privacy.keep_bodys`. Did you mean `keep_bodies`?'],
    ['how long it is kept', 'retention:\n  ledgr_days: 9', 'c.yaml:2:3: unknown key `retention.ledgr_days`. Did you mean `ledger_days`?'],
    [
      'a key of a provider',
      'providers:\n  a:\n    base_url: http://x\n    api_kye: k\n',
      'c.yaml:4:5: unknown key `providers.a.api_kye`. Did you mean `api_key`?',
    ],
    [
      'a key of a price',
      'prices:\n  a/b: { input: 1, output: 1, cached_imput: 1 }',
      'c.yaml:2:31: unknown key `prices.a/b.cached_imput`. Did you mean `cached_input`?',
    ],
    [
      'a key of the price of long prompts',
      'prices:\n  a/b: { input: 1, output: 1, above: { tokens: 9, input: 1, output: 1, per_cal: 1 } }',
      'c.yaml:2:72: unknown key `prices.a/b.above.per_cal`. Known here: tokens, input, output, cached_input, cache_write, long_cache_write, batch_input, batch_output.',
    ],
    [
      'a bound of a key',
      'providers:\n  p: { base_url: "http://127.0.0.1:1", api_keys: [{ key: one, max_paralel: 5 }] }',
      'c.yaml:2:63: unknown key `providers.p.api_keys.0.max_paralel`. Did you mean `max_parallel`?',
    ],
    ['a setting', 'settings:\n  API_PROT: 1', 'c.yaml:2:3: unknown setting `API_PROT`. Did you mean `API_PORT`?'],
  ];
  test.each(cases)('%s', (_, text, warning) => {
    expect(readText(text)).toMatchObject({ problems: [], warnings: [warning] });
  });

  test('and what stands beside it counts', () => {
    expect(readText('provders: {}\nmodels:\n  f: { targets: [x] }').file.models['f']?.targets).toEqual(['x']);
  });
});

test('${NAME:-default} takes the default where there is no variable, and $${ is no variable', () => {
  const { file } = readText('providers: { a: { base_url: "${NONE:-http://x}", api_key: "$${KEY}", headers: { h: "a ${KEY} b ${KEY}" } } }');
  expect(file.providers['a']).toMatchObject({ base_url: 'http://x', api_key: '${KEY}', headers: { h: 'a sk-1 b sk-1' } });
});

test('anchors are followed, and a few lines that stand for a billion values are refused', () => {
  expect(readText('models:\n  a: &a { targets: [x] }\n  b: *a\n').file.models['b']?.targets).toEqual(['x']);
  const bomb = [
    'x0: &x0 [1,1,1,1,1,1,1,1,1,1]',
    ...Array.from({ length: 9 }, (_, n) => `x${n + 1}: &x${n + 1} [${Array.from({ length: 10 }, () => `*x${n}`).join(',')}]`),
  ].join('\n');
  expect(printed(bomb).join()).toContain('the file holds more than 50000 values');
});
