import { z } from 'zod';
import { JobChange } from './jobs.ts';
import { PAGE_FIELDS, pageSchema } from './paging.ts';
import { lineOfText } from './text.ts';

/** Settings of jobs that are used again (CONTRACT 7). */
const name = lineOfText(200).describe('What people know it by, and its jobs where they say no name.');
const description = z.string().max(2000).nullable();
const settings = JobChange.describe('What its jobs are made with: any field of a new job.');

export const NewJobTemplateBody = z.strictObject({ name, description: description.optional(), settings }).meta({ id: 'NewJobTemplate' });
export type NewJobTemplateBody = z.output<typeof NewJobTemplateBody>;

export const JobTemplateChange = z
  .strictObject({ name: name.optional(), description: description.optional(), settings: settings.optional().describe('Instead of those that it has.') })
  .meta({ id: 'JobTemplateChange' });
export type JobTemplateChange = z.output<typeof JobTemplateChange>;

export const JobTemplateReply = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    settings: z.record(z.string(), z.unknown()),
    created_by: z.string().nullable().describe('The name of the user or key that made it.'),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'JobTemplate' });
export type JobTemplateReply = z.output<typeof JobTemplateReply>;

export const JobTemplateList = pageSchema(JobTemplateReply).meta({ id: 'JobTemplateList' });
export const JobTemplateListQuery = z.strictObject(PAGE_FIELDS);
export type JobTemplateListQuery = z.output<typeof JobTemplateListQuery>;
export const JobTemplateParams = z.strictObject({ id: z.string() });
export type JobTemplateParams = z.output<typeof JobTemplateParams>;
