import type { Slice } from './ask.ts';

const EMBEDDINGS = 'POST /v1/embeddings';
const MODERATIONS = 'POST /v1/moderations';
const COMPLETIONS = 'POST /v1/completions';
const MODEL = 'GET /v1/models/{id}';

export const compatible: Slice = {
  // By models of a provider, which can be in trouble.
  suited: {
    [EMBEDDINGS]: { json: { model: 'text-embedding-3-small', input: 'hi' } },
    [COMPLETIONS]: { json: { model: 'gpt-4o-mini', prompt: 'hi' } },
  },
  cases: [
    { route: EMBEDDINGS, gives: '400 INVALID_VALUE', json: { model: 'demo', input: [1, 2] } },
    { route: EMBEDDINGS, gives: '404 MODEL_NOT_FOUND', json: { model: 'nothing', input: 'hi' } },
    { route: EMBEDDINGS, gives: '503 LOCAL_MODEL_UNAVAILABLE', json: { model: 'local', input: 'hi' }, bare: true },
    { route: MODERATIONS, gives: '400 INVALID_VALUE', json: { model: 'demo', input: 'hi' } },
    { route: MODERATIONS, gives: '404 MODEL_NOT_FOUND', json: { model: 'nothing', input: 'hi' } },
    { route: MODERATIONS, gives: '503 LOCAL_MODEL_UNAVAILABLE', json: { model: 'local', input: 'hi' }, bare: true },
    { route: COMPLETIONS, gives: '200 text/event-stream', json: { model: 'demo', prompt: 'hi', stream: true } },
    { route: COMPLETIONS, gives: '400 INVALID_VALUE', json: { model: 'demo', prompt: 'hi', echo: true } },
    { route: COMPLETIONS, gives: '404 MODEL_NOT_FOUND', json: { model: 'nothing', prompt: 'hi' } },
    { route: COMPLETIONS, gives: '503 LOCAL_MODEL_UNAVAILABLE', json: { model: 'local', prompt: 'hi' }, bare: true },
    { route: 'GET /v1/models', gives: '200 application/json', headers: { 'anthropic-version': '2023-06-01' } },
    { route: 'GET /v1/models', gives: '400 INVALID_VALUE', query: '?limit=0' },
    { route: MODEL, gives: '200 application/json', headers: { 'anthropic-version': '2023-06-01' } },
    { route: MODEL, gives: '400 INVALID_VALUE', query: '?twice=1&twice=2' },
    { route: MODEL, gives: '404 MODEL_NOT_FOUND', path: { id: 'nothing' } },
    { route: MODEL, gives: '503 LOCAL_MODEL_UNAVAILABLE', path: { id: 'local' }, bare: true },
  ],
};
