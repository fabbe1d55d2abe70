import type { Slice } from './ask.ts';

const ROUTE = 'POST /v1/chat/completions';
const messages = [{ role: 'user', content: 'hi' }];

export const chat: Slice = {
  // By the default model, which asks a provider.
  suited: { [ROUTE]: { json: { messages } } },
  cases: [
    { route: ROUTE, gives: '200 text/event-stream', json: { model: 'demo', messages, stream: true } },
    { route: ROUTE, gives: '400 INVALID_VALUE', json: { model: 'demo', messages, n: 2 } },
    { route: ROUTE, gives: '404 MODEL_NOT_FOUND', json: { model: 'nothing', messages } },
    { route: ROUTE, gives: '503 LOCAL_MODEL_UNAVAILABLE', json: { model: 'local', messages }, bare: true },
  ],
};
