import type { Slice } from './ask.ts';

const CREATE = 'POST /v1/responses';
const ONE = 'GET /v1/responses/{id}';
const ITEMS = 'GET /v1/responses/{id}/input_items';
const CANCEL = 'POST /v1/responses/{id}/cancel';
const DELETE = 'DELETE /v1/responses/{id}';

const ask = { model: 'demo', input: 'hi' };
/** A new one for each case. */
const stored = { route: CREATE, json: ask } as const;
const inBackground = { route: CREATE, json: { ...ask, background: true } } as const;
const using = ({ id }: Readonly<Record<string, unknown>>) => ({ path: { id: String(id) } });

export const responses: Slice = {
  // By the default model, which asks a provider.
  suited: { [CREATE]: { json: { input: 'hi' } } },
  cases: [
    { route: CREATE, gives: '200 text/event-stream', json: { ...ask, stream: true } },
    { route: CREATE, gives: '200 text/event-stream', json: { ...ask, stream: true, background: true } },
    { route: CREATE, gives: '200 application/json', json: { ...ask, background: true } },
    { route: CREATE, gives: '400 MISSING_REQUIRED_FIELD', json: { model: 'demo' } },
    { route: CREATE, gives: '400 INVALID_VALUE', json: { ...ask, tools: [{ type: 'web_search' }] } },
    { route: CREATE, gives: '404 MODEL_NOT_FOUND', json: { ...ask, model: 'nothing' } },
    { route: CREATE, gives: '503 LOCAL_MODEL_UNAVAILABLE', json: { ...ask, model: 'local' }, bare: true },
    { route: ONE, gives: '200 application/json', given: stored, using },
    { route: ONE, gives: '200 text/event-stream', given: inBackground, using: (given) => ({ ...using(given), query: '?stream=true' }) },
    { route: ONE, gives: '400 INVALID_VALUE', given: stored, using: (given) => ({ ...using(given), query: '?stream=true' }) },
    { route: ITEMS, gives: '200 application/json', given: stored, using },
    { route: ITEMS, gives: '400 INVALID_VALUE', query: '?limit=0' },
    { route: CANCEL, gives: '200 application/json', given: inBackground, using },
    { route: CANCEL, gives: '400 INVALID_VALUE', given: stored, using },
    { route: DELETE, gives: '200 application/json', given: stored, using },
    { route: DELETE, gives: '400 INVALID_VALUE', query: '?nonsense=1' },
  ],
};
