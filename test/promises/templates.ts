import type { Slice } from './ask.ts';

const messages = [{ role: 'user', content: '{{ input }}' }];
const asked = { template_id: 'basic_chat_v1', input: 'a' };
const nothing = { id: 'nothing_v1' };
/** Without its version a template is looked for in the database, whether or not it came with the service. */
const newest = { path: { id: 'summarize' } };

export const templates: Slice = {
  suited: {
    'GET /api/v1/templates/{id}': newest,
    'DELETE /api/v1/templates/{id}': newest,
    'POST /api/v1/templates/{id}/render': newest,
    'GET /api/v1/templates/{id}/diff': { ...newest, query: '?against=summarize_v1' },
  },
  cases: [
    { route: 'POST /api/v1/templates', gives: '409 CONFLICT', json: { id: 'summarize_v1', messages } },
    { route: 'GET /api/v1/templates/{id}', gives: '404 TEMPLATE_NOT_FOUND', path: nothing },
    { route: 'DELETE /api/v1/templates/{id}', gives: '404 TEMPLATE_NOT_FOUND', path: nothing },
    {
      route: 'DELETE /api/v1/templates/{id}',
      gives: '204',
      path: { id: 'goner_v1' },
      given: { route: 'POST /api/v1/templates', json: { name: 'goner', messages } },
    },
    { route: 'POST /api/v1/templates/{id}/render', gives: '404 TEMPLATE_NOT_FOUND', path: nothing },
    { route: 'GET /api/v1/templates/{id}/diff', gives: '404 TEMPLATE_NOT_FOUND', path: nothing },
    { route: 'POST /api/v1/generate', gives: '404 TEMPLATE_NOT_FOUND', json: { template_id: 'nothing_v1', input: 'a' } },
    { route: 'POST /api/v1/generate', gives: '404 MODEL_NOT_FOUND', json: { ...asked, model: 'nothing' } },
    { route: 'POST /api/v1/generate', gives: '503 LOCAL_MODEL_UNAVAILABLE', json: { ...asked, model: 'local' }, bare: true },
  ],
};
