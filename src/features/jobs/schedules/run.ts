import { type App, EVERY_PROJECT } from '../../../app.ts';
import { readCron } from '../../../contract/schedule.ts';
import { lastTime, nextTime } from '../../../core/cron.ts';
import { dateAt, offsetMs } from '../../../core/time-zone.ts';
import { type Db, wakeProcessors } from '../store.ts';
import { copyJob, insertRun, nameJobOfRun, type ScheduleRow, takeDue, together, updateSchedule } from './store.ts';

type Needs = Pick<App, 'inProject' | 'clock' | 'newId' | 'log'>;

const AT_ONCE = 20;
/** What is later than this was missed. */
const LATE_MS = 10 * 60_000;

/** Runs what is due. Any number of processes may look at once: each run is made by one of them. */
export async function runDue({ inProject, clock, newId, log }: Needs): Promise<void> {
  try {
    for (;;) {
      const now = new Date(clock.now());
      const count = await inProject(EVERY_PROJECT, (all) =>
        together(all, async (db) => {
          const due = await takeDue(db, now, AT_ONCE);
          for (const schedule of due) await runOne(db, schedule, { now, newId });
          return due.length;
        }),
      );
      if (count < AT_ONCE) return;
    }
  } catch (cause) {
    log.warning('schedules could not be looked at, and are in a moment', { reason: String(cause) });
  }
}

type Running = { readonly now: Date; readonly newId: App['newId'] };

async function runOne(db: Db, schedule: ScheduleRow, running: Running): Promise<void> {
  const { id, project_id: projectId, cron: text, time_zone: timeZone, next_at: nextAt } = schedule;
  const cron = readCron(text);
  if (cron === null || nextAt === null) return;
  const nowMs = running.now.getTime();
  const due = lastTime(cron, { after: nextAt.getTime() - 1, until: nowMs }, timeZone) ?? nextAt.getTime();
  if (schedule.catch_up === 'one' || nowMs - due <= LATE_MS) await makeRun(db, schedule, { ...running, due });
  const next = nextTime(cron, nowMs, timeZone);
  await updateSchedule(db, { projectId, id }, { next_at: next === null ? null : new Date(next) });
}

/** Answers the job that it makes; null where that was done before, or there is nothing to run. */
export async function makeRun(db: Db, schedule: ScheduleRow, { now, newId, due }: Running & { readonly due: number }): Promise<string | null> {
  const jobId = newId('job');
  const run = { schedule_id: schedule.id, due_at: new Date(due), project_id: schedule.project_id, ran_at: now };
  if (!(await insertRun(db, run))) return null;
  const name = `${schedule.name} · ${shown(due, schedule.time_zone)}`;
  if (!(await copyJob(db, { from: schedule.job_id, id: jobId, name, scheduleId: schedule.id, at: now }))) return null;
  await nameJobOfRun(db, run, jobId);
  await wakeProcessors(db, jobId);
  return jobId;
}

/** As the clock there shows it: `2026-11-21 06:30`. */
function shown(at: number, timeZone: string): string {
  return `${dateAt(at, timeZone)} ${new Date(at + offsetMs(at, timeZone)).toISOString().slice(11, 16)}`;
}
