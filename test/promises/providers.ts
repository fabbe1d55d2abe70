import type { Slice } from './ask.ts';

export const providers: Slice = {
  suited: {},
  cases: [
    { route: 'POST /api/v1/route/explain', gives: '200 application/json', json: { model: 'local', session: 'a', images: true } },
    { route: 'POST /api/v1/route/explain', gives: '422 MISSING_REQUIRED_FIELD', json: { messages: [{ role: 'user' }] } },
    { route: 'POST /api/v1/route/explain', gives: '404 MODEL_NOT_FOUND', json: { model: 'nothing' } },
    { route: 'POST /api/v1/route/explain', gives: '503 LOCAL_MODEL_UNAVAILABLE', json: { model: 'local' }, bare: true },
  ],
};
