import {
  JobTemplateChange,
  JobTemplateList,
  JobTemplateListQuery,
  JobTemplateParams,
  JobTemplateReply,
  NewJobTemplateBody,
} from '../../../contract/job-templates.ts';
import { JobChange, JobReply } from '../../../contract/jobs.ts';
import { DATABASE_ERRORS, type Route, route } from '../../../http/route.ts';
import { changeTemplate, createJobFrom, createTemplate, removeTemplate, showTemplate, showTemplates } from './change.ts';

const BY_ID = { tag: 'Jobs', params: JobTemplateParams, errors: DATABASE_ERRORS } as const;

export const jobTemplateRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/job-templates',
    summary: 'List the templates of jobs',
    tag: 'Jobs',
    scope: 'schedules:read',
    query: JobTemplateListQuery,
    replies: [{ status: 200, description: 'One page of them, newest first.', type: 'application/json', schema: JobTemplateList }],
    errors: DATABASE_ERRORS,
    handle: showTemplates,
  }),
  route({
    method: 'POST',
    path: '/api/v1/job-templates',
    summary: 'Keep settings of jobs to use them again',
    tag: 'Jobs',
    scope: 'schedules:write',
    body: NewJobTemplateBody,
    example: { name: 'Nightly summaries', settings: { template_id: 'summarize_v1', engine: 'auto', budget_usd: 5 } },
    replies: [{ status: 201, description: 'The new template.', type: 'application/json', schema: JobTemplateReply }],
    errors: ['TEMPLATE_NOT_FOUND', 'MODEL_NOT_FOUND', ...DATABASE_ERRORS],
    handle: createTemplate,
  }),
  route({
    ...BY_ID,
    method: 'GET',
    path: '/api/v1/job-templates/{id}',
    summary: 'Show a template of jobs',
    scope: 'schedules:read',
    replies: [{ status: 200, description: 'The template.', type: 'application/json', schema: JobTemplateReply }],
    handle: showTemplate,
  }),
  route({
    ...BY_ID,
    method: 'PATCH',
    path: '/api/v1/job-templates/{id}',
    summary: 'Change a template of jobs',
    description: 'What is left out stays; `settings` take the place of those that it has. Jobs that were made of it stay as they are.',
    scope: 'schedules:write',
    body: JobTemplateChange,
    example: { settings: { model: 'demo' } },
    replies: [{ status: 200, description: 'The template as it is now.', type: 'application/json', schema: JobTemplateReply }],
    errors: ['TEMPLATE_NOT_FOUND', 'MODEL_NOT_FOUND', ...DATABASE_ERRORS],
    handle: changeTemplate,
  }),
  route({
    ...BY_ID,
    method: 'DELETE',
    path: '/api/v1/job-templates/{id}',
    summary: 'Delete a template of jobs',
    scope: 'schedules:write',
    replies: [{ status: 204, description: 'Deleted.', type: 'application/json' }],
    handle: removeTemplate,
  }),
  route({
    ...BY_ID,
    method: 'POST',
    path: '/api/v1/job-templates/{id}/jobs',
    summary: 'Make a job of a template',
    description: 'With the settings of the template, but for what you say otherwise.',
    scope: 'schedules:write',
    body: JobChange,
    example: { name: 'Summaries of Monday' },
    replies: [{ status: 201, description: 'The new job, without requests yet.', type: 'application/json', schema: JobReply }],
    errors: ['TEMPLATE_NOT_FOUND', 'MODEL_NOT_FOUND', ...DATABASE_ERRORS],
    handle: createJobFrom,
  }),
];
