import {
  NewScheduleBody,
  ScheduleChange,
  ScheduleList,
  ScheduleListQuery,
  ScheduleParams,
  ScheduleReply,
  ScheduleRunList,
  ScheduleRunReply,
} from '../../../contract/schedules.ts';
import { DATABASE_ERRORS, type Route, route } from '../../../http/route.ts';
import { changeSchedule, createSchedule, removeSchedule, runSchedule } from './change.ts';
import { showRuns, showSchedule, showSchedules } from './show.ts';

const BY_ID = { tag: 'Jobs', params: ScheduleParams, errors: DATABASE_ERRORS } as const;

export const scheduleRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/schedules',
    summary: 'List the schedules',
    tag: 'Jobs',
    scope: 'schedules:read',
    query: ScheduleListQuery,
    replies: [{ status: 200, description: 'One page of them, newest first.', type: 'application/json', schema: ScheduleList }],
    errors: DATABASE_ERRORS,
    handle: showSchedules,
  }),
  route({
    method: 'POST',
    path: '/api/v1/schedules',
    summary: 'Run a job again and again',
    description:
      'Each time a copy of the job is made and run, with its requests as they are then. A time that the clock of the place jumps over is due at the jump; one that it shows twice is due the first time; what is due in every hour is due in each hour that passes.',
    tag: 'Jobs',
    scope: 'schedules:write',
    body: NewScheduleBody,
    example: { job_id: 'job_01k5m2v8y3f7q9a4c6e8g0j2n4', cron: '30 6 * * mon-fri', time_zone: 'Europe/Berlin' },
    replies: [{ status: 201, description: 'The new schedule.', type: 'application/json', schema: ScheduleReply }],
    errors: DATABASE_ERRORS,
    handle: createSchedule,
  }),
  route({
    ...BY_ID,
    method: 'GET',
    path: '/api/v1/schedules/{id}',
    summary: 'Show a schedule',
    scope: 'schedules:read',
    replies: [{ status: 200, description: 'The schedule, and when it is due next.', type: 'application/json', schema: ScheduleReply }],
    handle: showSchedule,
  }),
  route({
    ...BY_ID,
    method: 'PATCH',
    path: '/api/v1/schedules/{id}',
    summary: 'Change a schedule',
    description: 'What is left out stays. What was missed while it was disabled is not made up for.',
    scope: 'schedules:write',
    body: ScheduleChange,
    example: { enabled: false },
    replies: [{ status: 200, description: 'The schedule as it is now.', type: 'application/json', schema: ScheduleReply }],
    handle: changeSchedule,
  }),
  route({
    ...BY_ID,
    method: 'DELETE',
    path: '/api/v1/schedules/{id}',
    summary: 'Delete a schedule',
    description: 'The jobs that it made stay.',
    scope: 'schedules:write',
    replies: [{ status: 204, description: 'Deleted.', type: 'application/json' }],
    handle: removeSchedule,
  }),
  route({
    ...BY_ID,
    method: 'GET',
    path: '/api/v1/schedules/{id}/runs',
    summary: 'List what a schedule has run',
    scope: 'schedules:read',
    replies: [{ status: 200, description: 'The latest hundred, newest first.', type: 'application/json', schema: ScheduleRunList }],
    handle: showRuns,
  }),
  route({
    ...BY_ID,
    method: 'POST',
    path: '/api/v1/schedules/{id}/run',
    summary: 'Run a schedule now',
    description: 'Besides the times at which it is due.',
    scope: 'schedules:write',
    replies: [{ status: 201, description: 'What was made.', type: 'application/json', schema: ScheduleRunReply }],
    errors: ['CONFLICT', ...DATABASE_ERRORS],
    handle: runSchedule,
  }),
];
