import type { Slice } from './ask.ts';

/** A message batch that is over. */
export const SEEN_MESSAGE_BATCH = `
  insert into batch_jobs (id, project_id, creator, surface, name, status, endpoint)
  values ('msgbatch_seen', 'default', '{"kind": "anonymous", "id": null}', 'anthropic', 'seen', 'completed', '/v1/messages');
  insert into batch_responses (job_id, line, project_id, custom_id, status_code, response) values ('msgbatch_seen', 1, 'default', 'a', 200, '{}')`;

const CREATE = 'POST /v1/messages/batches';
const LIST = 'GET /v1/messages/batches';
const ONE = 'GET /v1/messages/batches/{id}';
const RESULTS = 'GET /v1/messages/batches/{id}/results';
const CANCEL = 'POST /v1/messages/batches/{id}/cancel';
const DELETE = 'DELETE /v1/messages/batches/{id}';

const request = { custom_id: 'a', params: { model: 'demo', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] } };
const made = { route: CREATE, json: { requests: [request] } } as const;
const seen = { path: { id: 'msgbatch_seen' } } as const;
const using = ({ id }: Readonly<Record<string, unknown>>) => ({ path: { id: String(id) } });
const TWICE = '?beta=1&beta=2';

export const messageBatches: Slice = {
  suited: {},
  cases: [
    { route: CREATE, gives: '200 application/json' },
    { route: CREATE, gives: '400 INVALID_VALUE', json: { requests: [request, request] } },
    { route: LIST, gives: '200 application/json', query: '?limit=1' },
    { route: LIST, gives: '400 INVALID_VALUE', query: '?limit=0' },
    { route: ONE, gives: '200 application/json', ...seen },
    { route: ONE, gives: '400 INVALID_VALUE', query: TWICE },
    { route: RESULTS, gives: '200 application/x-jsonl', ...seen },
    { route: RESULTS, gives: '400 INVALID_VALUE', query: TWICE },
    {
      route: CANCEL,
      gives: '200 application/json',
      given: { ...made, json: { requests: [{ ...request, params: { ...request.params, model: 'gpt-4o-mini' } }] } },
      using,
    },
    { route: CANCEL, gives: '400 INVALID_VALUE', query: TWICE },
    { route: CANCEL, gives: '409 CONFLICT', ...seen },
    { route: DELETE, gives: '200 application/json', given: made, using },
    { route: DELETE, gives: '400 INVALID_VALUE', query: TWICE },
  ],
};
