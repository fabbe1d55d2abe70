import type { Slice } from './ask.ts';

export const generate: Slice = {
  suited: {},
  cases: [
    { route: 'POST /generate', gives: '404 MODEL_NOT_FOUND', json: { prompt: 'hi', model: 'nothing' } },
    { route: 'POST /generate', gives: '503 LOCAL_MODEL_UNAVAILABLE', json: { prompt: 'hi', model: 'local' }, bare: true },
    { route: 'POST /local/generate', gives: '503 LOCAL_MODEL_UNAVAILABLE', bare: true },
  ],
};
