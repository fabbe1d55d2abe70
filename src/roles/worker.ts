import { JOBS_CHANNEL } from '../features/jobs/store.ts';
import { type ConfigSource, readConfig } from '../platform/config.ts';
import { createLog } from '../platform/log.ts';
import { type Listener, startListening } from '../platform/postgres/listen.ts';
import { closeRest, drain, toldToStop } from './drain.ts';
import { type Opened, openAll } from './open.ts';

/** `sluice worker`: runs jobs, and answers nobody. Resolves when it has been told to stop and has stopped. */
export async function work(source: ConfigSource, { json }: { readonly json: boolean }): Promise<void> {
  const { opened, settings } = await open(source, { pretty: process.stdout.isTTY && !json });
  opened.ready();
  const listener = beginJobs(opened);
  opened.log.info('ready', { role: 'worker', places: settings.jobConcurrency, database: opened.database.where });
  await toldToStop();
  await listener.close();
  await drain(opened, settings.shutdownGraceS);
}

/** `sluice jobs process`: one pass over all jobs, until nothing is left that could be done now. To be stopped is to end it in good order. */
export async function processJobs(source: ConfigSource): Promise<void> {
  const { opened, settings } = await open(source, { pretty: process.stderr.isTTY, write: (text) => process.stderr.write(text) });
  opened.ready();
  const through = opened.jobs.runThrough().then(() => 'through' as const);
  if ((await Promise.race([through, toldToStop()])) !== 'through') return drain(opened, settings.shutdownGraceS);
  opened.startDraining();
  await Promise.all([opened.streams.close(), opened.deliveries.close(), opened.jobs.close()]);
  await closeRest(opened);
}

/** Works on jobs from now on, and hears of new ones at once. */
export function beginJobs({ app, jobs, database, log }: Opened): Listener {
  jobs.wake();
  return startListening({ pool: database.pool, channel: JOBS_CHANNEL, heard: jobs.wake, clock: app.clock, log });
}

type Output = Pick<Parameters<typeof createLog>[0], 'pretty' | 'write'>;

async function open(source: ConfigSource, output: Output) {
  const first = readConfig(source);
  const { settings } = first;
  const log = createLog({ level: settings.debug ? 'debug' : settings.logLevel, ...output });
  for (const warning of first.warnings) log.warning(warning);
  return { opened: await openAll(source, first, log), settings };
}
