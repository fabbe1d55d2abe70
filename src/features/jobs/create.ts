import type { App } from '../../app.ts';
import type { NewJobBody } from '../../contract/jobs.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { jobColumns } from './columns.ts';
import { creatorOf } from './creator.ts';
import { keepScheduleOf } from './schedules/of-job.ts';
import { jobFacts, jobReply } from './show.ts';
import { insertJob } from './store.ts';

export async function createJob(app: App, exchange: Exchange<undefined, undefined, NewJobBody>): Promise<Reply> {
  const { body, principal } = exchange;
  const { projectId } = principal;
  const at = new Date(app.clock.now());
  const id = app.newId('job');
  const json = await app.inProject(projectId, async (db) => {
    const columns = await jobColumns(app, db, { body, principal, before: null });
    const job = await insertJob(db, {
      ...columns,
      id,
      project_id: projectId,
      creator: JSON.stringify(creatorOf(principal)),
      name: body.name,
      created_at: at,
      updated_at: at,
    });
    await keepScheduleOf(app, db, { job, schedule: body.schedule });
    await app.audit(db, exchange, { action: 'job.create', projectId, targetId: id, after: jobFacts(job) });
    return jobReply(db, job);
  });
  return { status: 201, headers: { location: `/api/v1/jobs/${id}` }, json };
}
