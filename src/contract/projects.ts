import { z } from 'zod';
import { BUDGET_FIELD, OPTIONAL_BUDGET } from './bounds.ts';
import { PAGE_FIELDS, pageSchema } from './paging.ts';
import { lineOfText } from './text.ts';
import { TimeZone } from './time-range.ts';

/** Projects (CONTRACT 4.1, 4.2). */
const name = lineOfText(100);
/** By name: an offset is no place, and its days do not follow the clocks of one. */
const timeZone = TimeZone.refine((zone) => /^[A-Za-z]/.test(zone), 'must be the name of a time zone, such as UTC or Europe/Madrid').describe(
  'Where its days and months begin, for budgets and usage: such as `Europe/Madrid`.',
);

export const NewProjectBody = z.strictObject({ name, time_zone: timeZone.default('UTC'), ...OPTIONAL_BUDGET }).meta({ id: 'NewProject' });
export type NewProjectBody = z.output<typeof NewProjectBody>;

export const ProjectChange = z.strictObject({ name: name.optional(), time_zone: timeZone.optional(), ...OPTIONAL_BUDGET }).meta({ id: 'ProjectChange' });
export type ProjectChange = z.output<typeof ProjectChange>;

export const ProjectReply = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    time_zone: z.string(),
    ...BUDGET_FIELD,
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Project' });
export type ProjectReply = z.output<typeof ProjectReply>;

export const ProjectList = pageSchema(ProjectReply).meta({ id: 'ProjectList' });
export const ProjectListQuery = z.strictObject(PAGE_FIELDS);
export type ProjectListQuery = z.output<typeof ProjectListQuery>;

export const ProjectParams = z.strictObject({ id: z.string().meta({ examples: ['default'] }) });
export type ProjectParams = z.output<typeof ProjectParams>;

export const ProjectDeletionQuery = z.strictObject({
  confirm: z.string().max(64).optional().describe('The id once more: without it nothing is deleted.'),
});
export type ProjectDeletionQuery = z.output<typeof ProjectDeletionQuery>;
