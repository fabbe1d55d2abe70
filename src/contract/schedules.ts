import { z } from 'zod';
import { PAGE_FIELDS, pageSchema, WantedId } from './paging.ts';
import { CronText } from './schedule.ts';
import { lineOfText } from './text.ts';
import { TimeZone } from './time-range.ts';

/** Jobs that are run again and again (CONTRACT 7). */
const name = lineOfText(200);
const catchUp = z
  .enum(['one', 'none'])
  .describe('What becomes of times that were missed because nothing ran: `one` run for all of them as soon as something does, or `none`.');

export const NewScheduleBody = z
  .strictObject({
    name: name.optional().describe("What people know it by; the job's name where unsaid."),
    job_id: WantedId.unwrap().describe('What is run: each time a copy of this job as it stands then, its requests included.'),
    cron: CronText.describe('Minute, hour, day of the month, month, day of the week; or `@daily` and its like.'),
    time_zone: TimeZone.optional().describe("Whose clock it follows; the project's where unsaid."),
    enabled: z.boolean().default(true),
    catch_up: catchUp.default('one'),
  })
  .meta({ id: 'NewSchedule' });
export type NewScheduleBody = z.output<typeof NewScheduleBody>;

export const ScheduleChange = z
  .strictObject({
    name: name.optional(),
    cron: CronText.optional(),
    time_zone: TimeZone.optional(),
    enabled: z.boolean().optional(),
    catch_up: catchUp.optional(),
  })
  .meta({ id: 'ScheduleChange' });
export type ScheduleChange = z.output<typeof ScheduleChange>;

const time = z.iso.datetime();
export const ScheduleReply = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    job_id: z.string(),
    cron: z.string(),
    time_zone: z.string(),
    enabled: z.boolean(),
    catch_up: catchUp,
    next_run_at: time.nullable(),
    upcoming: z.array(time).describe('The next five times.'),
    last_run_at: time.nullable(),
    last_job_id: z.string().nullable(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Schedule' });
export type ScheduleReply = z.output<typeof ScheduleReply>;

export const ScheduleList = pageSchema(ScheduleReply).meta({ id: 'ScheduleList' });
export const ScheduleListQuery = z.strictObject({ ...PAGE_FIELDS, job_id: WantedId.describe('Only those of this job.') });
export type ScheduleListQuery = z.output<typeof ScheduleListQuery>;
export const ScheduleParams = z.strictObject({ id: z.string() });
export type ScheduleParams = z.output<typeof ScheduleParams>;

export const ScheduleRunReply = z
  .strictObject({
    due_at: time,
    ran_at: time,
    job_id: z.string().nullable().describe('The job that was made; null where there was nothing to run.'),
  })
  .meta({ id: 'ScheduleRun' });
export type ScheduleRunReply = z.output<typeof ScheduleRunReply>;
export const ScheduleRunList = z.strictObject({ data: z.array(ScheduleRunReply) }).meta({ id: 'ScheduleRunList' });
