import { asks, type Call, CLAUDE, DEMO, GPT, HOUSE, WHOLE } from './call.ts';
import type { Kind } from './schemas.ts';

const EMBEDDING = 'text-embedding-3-small';
const embed = asks({ kind: 'embeddings', path: '/v1/embeddings', usual: (prompt) => ({ input: prompt }) });
const moderate = asks({ kind: 'moderations', path: '/v1/moderations', usual: (prompt) => ({ input: prompt }) });
const BOTH = { ...WHOLE, models: [DEMO, EMBEDDING] };
const JUDGE = { ...WHOLE, models: ['omni-moderation-latest'] };
const ANTHROPIC = { 'anthropic-version': '2023-06-01' };

const read = (kind: Kind, path: string, more: Partial<Call> = {}): Call => ({
  kind,
  path,
  prompt: path,
  body: null,
  headers: {},
  models: [''],
  isRefused: false,
  ways: ['whole'],
  ...more,
});

export const OTHERS: readonly Call[] = [
  embed('One text', {}, BOTH),
  embed('Several', { input: ['one', 'two'] }, BOTH),
  embed('As bytes', { encoding_format: 'base64', dimensions: 8 }, BOTH),
  embed('Nobody knows this model', {}, { ...WHOLE, models: ['no-such-model'], isRefused: true }),
  embed('Nothing', { input: [] }, { ...BOTH, isRefused: true }),
  embed('Fail with 429', {}, { ...WHOLE, models: [EMBEDDING], isRefused: true }),
  moderate('Good morning', {}, JUDGE),
  moderate('Several', { input: ['good morning', 'I will attack you'] }, JUDGE),
  moderate('Fail with 500', {}, { ...JUDGE, isRefused: true }),
  read('models', '/v1/models'),
  ...[DEMO, GPT, HOUSE, CLAUDE].map((name) => read('model', `/v1/models/${name}`)),
  read('model', '/v1/models/no-such-model', { isRefused: true }),
  read('anthropicModels', '/v1/models', { headers: ANTHROPIC }),
  read('anthropicModels', '/v1/models?limit=1', { headers: ANTHROPIC }),
  ...[DEMO, GPT, HOUSE, CLAUDE].map((name) => read('anthropicModel', `/v1/models/${name}`, { headers: ANTHROPIC })),
  read('anthropicModel', '/v1/models/no-such-model', { headers: ANTHROPIC, isRefused: true }),
];
