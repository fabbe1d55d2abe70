import type { Slice } from './ask.ts';

const MESSAGES = 'POST /v1/messages';
const COUNT = 'POST /v1/messages/count_tokens';
const said = { messages: [{ role: 'user', content: 'hi' }] };
const asked = { ...said, max_tokens: 100 };
const document = { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } }] }] };

export const messages: Slice = {
  // By a model of a provider, which can be in trouble.
  suited: { [MESSAGES]: { json: { model: 'gpt-4o-mini', ...asked } } },
  cases: [
    { route: MESSAGES, gives: '200 text/event-stream', json: { model: 'demo', ...asked, stream: true } },
    { route: MESSAGES, gives: '400 INVALID_VALUE', json: { model: 'demo', ...asked, top_k: 5 } },
    { route: MESSAGES, gives: '404 MODEL_NOT_FOUND', json: { model: 'nothing', ...asked } },
    { route: MESSAGES, gives: '503 LOCAL_MODEL_UNAVAILABLE', json: { model: 'local', ...asked }, bare: true },
    { route: COUNT, gives: '400 INVALID_VALUE', json: { model: 'demo', ...document } },
    { route: COUNT, gives: '404 MODEL_NOT_FOUND', json: { model: 'nothing', ...said } },
    { route: COUNT, gives: '503 LOCAL_MODEL_UNAVAILABLE', json: { model: 'local', ...said }, bare: true },
  ],
};
