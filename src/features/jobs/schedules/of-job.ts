import type { App } from '../../../app.ts';
import { AppError } from '../../../contract/errors.ts';
import type { JobChange } from '../../../contract/jobs.ts';
import type { Db, JobRow } from '../store.ts';
import { nextAt } from './change.ts';
import { deleteSchedulesOf, insertSchedule, timeZoneOf } from './store.ts';

type Needs = Pick<App, 'clock' | 'newId'>;

/**
 * A job that says itself when it is to be run again has a schedule of its own, which follows what it says. The job is what its copies are made of,
 * and runs itself only when it is submitted.
 */
export async function keepScheduleOf(app: Needs, db: Db, { job, schedule }: { readonly job: JobRow; readonly schedule: JobChange['schedule'] }): Promise<void> {
  if (schedule === undefined) return;
  await deleteSchedulesOf(db, job.id);
  if (schedule?.cron === undefined) return;
  if (job.creator.kind === 'anonymous') {
    throw new AppError('UNAUTHORIZED', { message: 'A job that is run again and again belongs to somebody: sign in, or use an API key', field: 'schedule' });
  }
  const at = new Date(app.clock.now());
  const timeZone = schedule.time_zone ?? (await timeZoneOf(db, job.project_id));
  await insertSchedule(db, {
    id: app.newId('sch'),
    project_id: job.project_id,
    job_id: job.id,
    name: job.name,
    cron: schedule.cron,
    time_zone: timeZone,
    next_at: nextAt(schedule.cron, timeZone, at),
    created_at: at,
    updated_at: at,
  });
}
