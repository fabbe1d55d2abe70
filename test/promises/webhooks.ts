import type { Slice } from './ask.ts';

const MADE = ['whk_seen', 'whk_leaving'];
const ROWS = MADE.map((id) => `('${id}', 'default', 'http://127.0.0.1:1/', '\\x00')`);

export const SEEN_WEBHOOKS = `
  insert into webhook_endpoints (id, project_id, url, secret) values ${ROWS.join(', ')};
  insert into webhook_events (id, project_id, type, subject_id, spread_at) values ('evt_seen', 'default', 'batch.completed', 'job_over', now());
  insert into webhook_deliveries (id, project_id, event_id, endpoint_id, url, state, next_try_at, ended_at)
  values ('whd_seen', 'default', 'evt_seen', 'whk_seen', 'http://127.0.0.1:1/', 'failed', now(), now())`;

const of = (id: string) => ({ path: { id } });

export const webhooks: Slice = {
  suited: {},
  cases: [
    { route: 'GET /api/v1/webhooks/{id}', gives: '200 application/json', ...of('whk_seen') },
    { route: 'PATCH /api/v1/webhooks/{id}', gives: '200 application/json', ...of('whk_seen'), json: { enabled: true } },
    { route: 'POST /api/v1/webhooks/{id}/rotate', gives: '200 application/json', ...of('whk_seen') },
    { route: 'POST /api/v1/webhooks/{id}/test', gives: '202 application/json', ...of('whk_seen') },
    { route: 'GET /api/v1/webhooks/deliveries/{id}', gives: '200 application/json', ...of('whd_seen') },
    { route: 'POST /api/v1/webhooks/deliveries/{id}/replay', gives: '202 application/json', ...of('whd_seen') },
    { route: 'DELETE /api/v1/webhooks/{id}', gives: '204', ...of('whk_leaving') },
  ],
};
