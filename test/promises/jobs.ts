import type { Slice } from './ask.ts';

/** Jobs as they can be found, each of them on hold: nothing of them runs while it is looked at. */
const MADE: readonly (readonly [id: string, status: string, endpoint: string, templateId: string | null, model: string | null])[] = [
  ['job_ready', 'pending', '/v1/chat/completions', null, 'demo'],
  ['job_empty', 'pending', '/v1/chat/completions', null, 'demo'],
  ['job_leaving', 'pending', '/v1/chat/completions', null, 'demo'],
  ['job_hidden', 'pending', '/v1/chat/completions', null, 'demo'],
  ['job_broken', 'completed_with_errors', '/v1/chat/completions', null, 'demo'],
  ['job_over', 'completed', '/v1/chat/completions', null, 'demo'],
  ['job_without_template', 'pending', '/api/v1/generate', 'gone_v1', 'demo'],
  ['job_without_model', 'pending', '/v1/chat/completions', null, 'gone'],
];
const ROWS = MADE.map(([id, status, endpoint, templateId, model]) => `('${id}', '${status}', '${endpoint}', ${text(templateId)}, ${text(model)})`);

export const SEEN_JOBS = `
  insert into batch_jobs (id, project_id, creator, name, hold, total_requests, failed_requests, completed_requests, status, endpoint, template_id, model, completed_at)
  select id, 'default', '{"kind":"anonymous","id":null}', 'seen', true, (id <> 'job_empty')::integer, (status = 'completed_with_errors')::integer, (status = 'completed')::integer, status, endpoint,
    template_id, model, case when status like 'completed%' then '2026-01-01'::timestamptz end
  from (values ${ROWS.join(', ')}) as made (id, status, endpoint, template_id, model);
  insert into batch_requests (job_id, line, project_id, custom_id, body, state)
  select id, 1, 'default', 'a', '{"messages":[{"role":"user","content":"hi"}]}', case status when 'pending' then 'waiting' else 'done' end from batch_jobs where total_requests = 1;
  insert into batch_responses (job_id, line, project_id, custom_id, error)
  select id, 1, 'default', 'a', case status when 'completed' then null else '{"code":"TIMEOUT","message":"late"}'::json end from batch_jobs where status <> 'pending'`;

function text(value: string | null): string {
  return value === null ? 'null' : `'${value}'`;
}

const of = (id: string) => ({ path: { id } });
const ADD = 'POST /api/v1/jobs/{id}/requests';
const RESPONSES = 'GET /api/v1/jobs/{id}/responses';
const CHANGE = 'PUT /api/v1/jobs/{id}';
const CREATE = 'POST /api/v1/jobs/';
const ESTIMATE = 'GET /api/v1/jobs/{id}/estimate';
const EVENTS = 'GET /api/v1/jobs/{id}/events';
const request = { custom_id: 'b', body: { messages: [{ role: 'user', content: 'hi' }] } };
/** The last event of the job that is over. */
const END = `job_over:completed:1:0:0:${Date.parse('2026-01-01')}`;

export const jobs: Slice = {
  suited: {},
  cases: [
    { route: CREATE, gives: '404 MODEL_NOT_FOUND', json: { name: 'a', model: 'gone' } },
    { route: CREATE, gives: '404 TEMPLATE_NOT_FOUND', json: { name: 'a', template_id: 'gone_v1' } },
    { route: 'GET /api/v1/jobs/{id}', gives: '200 application/json', ...of('job_ready') },
    { route: CHANGE, gives: '200 application/json', ...of('job_ready'), json: { name: 'b' } },
    { route: CHANGE, gives: '404 MODEL_NOT_FOUND', ...of('job_ready'), json: { model: 'gone' } },
    { route: CHANGE, gives: '422 MISSING_REQUIRED_FIELD', ...of('job_ready'), json: { schedule: {} } },
    { route: CHANGE, gives: '404 TEMPLATE_NOT_FOUND', ...of('job_empty'), json: { template_id: 'gone_v1' } },
    { route: CHANGE, gives: '409 CONFLICT', ...of('job_over'), json: { model: 'demo' } },
    { route: CHANGE, gives: '403 FORBIDDEN', as: 'changer', ...of('job_over'), json: { name: 'b' } },
    { route: 'GET /api/v1/jobs/{id}/requests', gives: '200 application/json', ...of('job_ready') },
    { route: RESPONSES, gives: '200 application/json', ...of('job_over') },
    { route: RESPONSES, gives: '200 application/jsonl', ...of('job_over'), query: '?format=jsonl' },
    { route: RESPONSES, gives: '200 text/csv', ...of('job_over'), query: '?format=merged' },
    { route: RESPONSES, gives: '422 INVALID_VALUE', ...of('job_over'), query: '?format=csv&page=2' },
    { route: ADD, gives: '201 application/json', ...of('job_ready'), json: [request] },
    { route: ADD, gives: '404 TEMPLATE_NOT_FOUND', ...of('job_without_template'), json: [request] },
    { route: ADD, gives: '422 MISSING_REQUIRED_FIELD', ...of('job_ready'), json: {} },
    { route: ADD, gives: '409 CONFLICT', ...of('job_over'), json: [request] },
    { route: ESTIMATE, gives: '200 application/json', ...of('job_ready') },
    { route: ESTIMATE, gives: '404 MODEL_NOT_FOUND', ...of('job_without_model') },
    { route: ESTIMATE, gives: '404 TEMPLATE_NOT_FOUND', ...of('job_without_template') },
    { route: EVENTS, gives: '200 text/event-stream', ...of('job_over') },
    { route: EVENTS, gives: '204', ...of('job_over'), headers: { 'last-event-id': END } },
    { route: 'POST /api/v1/jobs/{id}/submit', gives: '202 application/json', ...of('job_ready') },
    { route: 'POST /api/v1/jobs/{id}/submit', gives: '409 CONFLICT', ...of('job_over') },
    { route: 'POST /api/v1/jobs/{id}/cancel', gives: '202 application/json', ...of('job_leaving') },
    { route: 'POST /api/v1/jobs/{id}/cancel', gives: '409 CONFLICT', ...of('job_over') },
    { route: 'POST /api/v1/jobs/{id}/retry', gives: '202 application/json', ...of('job_broken') },
    { route: 'POST /api/v1/jobs/{id}/retry', gives: '409 CONFLICT', ...of('job_over') },
    { route: 'DELETE /api/v1/jobs/{id}', gives: '204', ...of('job_hidden') },
  ],
};
