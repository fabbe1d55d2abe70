import type { Slice } from './ask.ts';

/** Of jobs that are seen too (promises/jobs.ts). */
export const SEEN_SCHEDULES = `
  insert into job_templates (id, project_id, name, settings) select id, 'default', 'seen', '{"model":"demo"}' from (values ('jtp_seen'), ('jtp_leaving')) made (id);
  insert into job_schedules (id, project_id, job_id, name, cron, time_zone, enabled)
  select id, 'default', job_id, 'seen', '0 0 1 1 *', 'UTC', false
  from (values ('sch_seen', 'job_over'), ('sch_leaving', 'job_over'), ('sch_of_nothing', 'job_empty')) made (id, job_id)`;

const of = (id: string) => ({ path: { id } });
const CREATE = 'POST /api/v1/schedules';
const RUN = 'POST /api/v1/schedules/{id}/run';
const KEEP = 'POST /api/v1/job-templates';
const CHANGE = 'PATCH /api/v1/job-templates/{id}';
const MAKE = 'POST /api/v1/job-templates/{id}/jobs';
const WITHOUT_A_TIME = { schedule: {} };

export const schedules: Slice = {
  suited: {},
  cases: [
    { route: CREATE, gives: '201 application/json', json: { job_id: 'job_over', cron: '@daily' } },
    { route: 'GET /api/v1/schedules/{id}', gives: '200 application/json', ...of('sch_seen') },
    { route: 'PATCH /api/v1/schedules/{id}', gives: '200 application/json', ...of('sch_seen'), json: { cron: '@yearly' } },
    { route: 'GET /api/v1/schedules/{id}/runs', gives: '200 application/json', ...of('sch_seen') },
    { route: RUN, gives: '201 application/json', ...of('sch_seen') },
    { route: RUN, gives: '409 CONFLICT', ...of('sch_of_nothing') },
    { route: 'DELETE /api/v1/schedules/{id}', gives: '204', ...of('sch_leaving') },
    { route: KEEP, gives: '404 MODEL_NOT_FOUND', json: { name: 'a', settings: { model: 'gone' } } },
    { route: KEEP, gives: '404 TEMPLATE_NOT_FOUND', json: { name: 'a', settings: { template_id: 'gone_v1' } } },
    { route: 'GET /api/v1/job-templates/{id}', gives: '200 application/json', ...of('jtp_seen') },
    { route: CHANGE, gives: '200 application/json', ...of('jtp_seen'), json: { name: 'b' } },
    { route: CHANGE, gives: '404 MODEL_NOT_FOUND', ...of('jtp_seen'), json: { settings: { model: 'gone' } } },
    { route: CHANGE, gives: '404 TEMPLATE_NOT_FOUND', ...of('jtp_seen'), json: { settings: { template_id: 'gone_v1' } } },
    { route: CHANGE, gives: '422 MISSING_REQUIRED_FIELD', ...of('jtp_seen'), json: { settings: WITHOUT_A_TIME } },
    { route: MAKE, gives: '201 application/json', ...of('jtp_seen'), json: {} },
    { route: MAKE, gives: '404 MODEL_NOT_FOUND', ...of('jtp_seen'), json: { model: 'gone' } },
    { route: MAKE, gives: '404 TEMPLATE_NOT_FOUND', ...of('jtp_seen'), json: { template_id: 'gone_v1' } },
    { route: MAKE, gives: '422 MISSING_REQUIRED_FIELD', ...of('jtp_seen'), json: WITHOUT_A_TIME },
    { route: 'DELETE /api/v1/job-templates/{id}', gives: '204', ...of('jtp_leaving') },
  ],
};
