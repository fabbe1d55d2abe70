import { resolve } from 'node:path';
import type { App, Config } from '../app.ts';
import { addressRule } from '../core/public-address.ts';
import { createCreators } from '../features/auth/creators.ts';
import { purgeKeptAnswers } from '../features/idempotency/answers.ts';
import { allRoutes } from '../features/index.ts';
import { createJobProcessor, type JobProcessor } from '../features/jobs/run/processor.ts';
import { runDue } from '../features/jobs/schedules/run.ts';
import { purgeDeletedJobs } from '../features/jobs/purge.ts';
import { purgeDeletedProjects } from '../features/projects/purge.ts';
import { purgeResponses } from '../features/responses/stored.ts';
import { createDeliveries, type Deliveries } from '../features/webhooks/deliver.ts';
import { purgeWebhooks } from '../features/webhooks/purge.ts';
import { createGateway } from '../gateway/run.ts';
import { createAsk } from '../http/ask.ts';
import type { Route } from '../http/route.ts';
import { openBlobs } from '../platform/blobs/open.ts';
import { createBodies, type OpenBodies } from '../platform/bodies.ts';
import { systemClock } from '../platform/clock.ts';
import type { ConfigRead, ConfigSource } from '../platform/config.ts';
import { createSend } from '../platform/egress.ts';
import { createSendOutside } from '../platform/egress/outside.ts';
import { every } from '../core/every.ts';
import { createFiles } from '../platform/files.ts';
import { startHousekeeping } from '../platform/housekeeping.ts';
import { idMaker } from '../platform/ids.ts';
import { openLimiter, type OpenLimiter } from '../platform/limits/open.ts';
import { type OpenLocalModels, openLocalModels } from '../platform/local-model/open.ts';
import type { ClosableLog } from '../platform/log.ts';
import { type Money, openMoney } from '../platform/money/open.ts';
import { createAnnounce } from '../platform/postgres/announce.ts';
import { createAudit } from '../platform/postgres/audit.ts';
import { writeBodies } from '../platform/postgres/body-store.ts';
import { createInProject } from '../platform/postgres/in-project.ts';
import { migrate } from '../platform/postgres/migrate.ts';
import { createMoneyStore } from '../platform/postgres/money.ts';
import { type OpenDatabase, openDatabase } from '../platform/postgres/open.ts';
import { createStreams, type OpenStreams, purgeStreams } from '../platform/postgres/streams.ts';
import { openSecrets } from '../platform/secrets.ts';
import { type LiveConfig, liveConfig } from './live-config.ts';
import { snapshot } from './snapshot.ts';

/** Everything that a process needs, whatever it does with it: all but the port. */
export type Opened = {
  readonly app: App;
  readonly log: ClosableLog;
  readonly routes: readonly Route[];
  readonly processId: string;
  readonly database: OpenDatabase;
  readonly money: Money;
  readonly limits: OpenLimiter;
  readonly bodies: OpenBodies;
  readonly streams: OpenStreams;
  readonly deliveries: Deliveries;
  readonly localModels: OpenLocalModels;
  readonly jobs: JobProcessor;
  readonly ready: () => void;
  /** No new work from now on. */
  readonly startDraining: () => void;
};
type State = { current: 'starting' | 'ready' | 'draining' };

/** How soon after it happened an event is told. */
const DELIVERIES_LOOK_MS = 500;
/** How late a schedule may be. */
const SCHEDULES_LOOK_MS = 1000;

export async function openAll(source: ConfigSource, first: ConfigRead, log: ClosableLog): Promise<Opened> {
  const { settings } = first;
  const dataDir = resolve(settings.dataDir);
  const state: State = { current: 'starting' };
  const localModels = openLocalModels({ settings, clock: systemClock, log });
  const config = await snapshot(first, 1, localModels.models);
  const [database, secrets] = await Promise.all([
    openDatabase({ databaseUrl: settings.databaseUrl, dataDir, log }),
    openSecrets({ dataDir, jwtSecret: settings.jwtSecret, environment: settings.environment }),
  ]);
  try {
    await migrate(database.pool, log);
    const live = liveConfig(source, { first, config, localModels }, log);
    const { outside, processId, endHousekeeping, ...parts } = await openOutside({ config, dataDir, database, secrets, live, log, state });
    const app: App = { ...outside, gateway: createGateway(outside) };
    const routes = allRoutes(settings);
    const deliveries = createDeliveries(app);
    const endDeliveries = every(app.clock, DELIVERIES_LOOK_MS, deliveries.look);
    const endSchedules = every(app.clock, SCHEDULES_LOOK_MS, () => runDue(app));
    const jobs = createJobProcessor({ ...app, ask: createAsk(app, routes) });
    const startDraining = (): void => {
      state.current = 'draining';
      live.stop();
      endHousekeeping();
      void endDeliveries();
      void endSchedules();
      jobs.stop();
    };
    return { ...parts, app, log, routes, processId, database, localModels, deliveries, jobs, startDraining, ready: () => (state.current = 'ready') };
  } catch (cause) {
    await database.close();
    throw cause;
  }
}

type Opening = Pick<Opened, 'database' | 'log'> & {
  /** That the process begins with. */
  readonly config: Config;
  readonly dataDir: string;
  readonly secrets: App['secrets'];
  readonly live: LiveConfig;
  readonly state: State;
};

/** Everything that reaches outside but the gateway, which stands on it. */
async function openOutside({ config: { settings }, dataDir, database, secrets, live, log, state }: Opening) {
  const clock = systemClock;
  const newId = idMaker(Date.now);
  const processId = newId('proc');
  const inProject = createInProject(database.db);
  const house = { db: database.db, clock, log, retention: () => live.config().file.retention };
  const kept = { inProject, clock };
  const files = createFiles({ db: database.db, inProject, clock, newId, log, blobs: await openBlobs(settings, dataDir) });
  const endHousekeeping = await startHousekeeping(house, [
    () => purgeKeptAnswers(kept),
    () => purgeResponses(kept),
    () => purgeStreams(kept),
    () => purgeWebhooks(kept),
    () => purgeDeletedJobs(kept),
    () => purgeDeletedProjects(kept),
    () => files.purge(),
  ]);
  const money = await openMoney({ store: createMoneyStore(database.pool), db: database.db, dataDir, processId, clock, log });
  const limits = await openLimiter({ redisUrl: settings.redisUrl, processCount: money.processCount, processId, clock, log });
  const bodies = createBodies({ config: live.config, clock, log, write: (rows) => writeBodies(database.db, rows) });
  const streams = createStreams({ inProject, clock, log });
  const outside = {
    config: live.config,
    db: database.db,
    inProject,
    audit: createAudit({ clock, newId }),
    announce: createAnnounce({ clock, newId }),
    clock,
    random: Math.random,
    newId,
    log,
    secrets,
    lifecycle: { startedAt: Math.round(performance.timeOrigin), state: () => state.current },
    ledger: money.ledger,
    budgets: money.budgets,
    bodies,
    streams,
    files,
    limiter: limits.limiter,
    principalOf: createCreators({ db: database.db, inProject, clock, log }),
    sendOutside: createSendOutside({ clock, proxies: settings, mayCall: () => addressRule(live.config().file.webhooks.allow_networks) }),
    send: createSend({ clock, times: () => upstreamTimes(live.config()), allowedOrigins: live.origins, proxies: settings }),
  };
  return { outside, processId, endHousekeeping, money, limits, bodies, streams };
}

function upstreamTimes({ settings }: Config): { connectMs: number; readMs: number; writeMs: number } {
  return { connectMs: settings.upstreamConnectTimeoutS * 1000, readMs: settings.upstreamReadTimeoutS * 1000, writeMs: settings.upstreamWriteTimeoutS * 1000 };
}
