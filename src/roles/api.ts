import { resolve } from 'node:path';
import type { App, Config } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import type { Settings } from '../contract/settings.ts';
import { addressRule } from '../core/public-address.ts';
import { createCreators } from '../features/auth/creators.ts';
import { ensureFirstUser } from '../features/auth/first-user.ts';
import { createIdentify } from '../features/auth/identify.ts';
import { createKeptAnswers, purgeKeptAnswers } from '../features/idempotency/answers.ts';
import { allRoutes } from '../features/index.ts';
import { purgeDeletedProjects } from '../features/projects/purge.ts';
import { purgeResponses } from '../features/responses/stored.ts';
import { createDeliveries, type Deliveries } from '../features/webhooks/deliver.ts';
import { purgeWebhooks } from '../features/webhooks/purge.ts';
import { createGateway } from '../gateway/run.ts';
import { createDispatch, type Dispatch } from '../http/dispatch.ts';
import { type RunningServer, startServer } from '../http/server.ts';
import { openBlobs } from '../platform/blobs/open.ts';
import { createBodies, type OpenBodies } from '../platform/bodies.ts';
import { systemClock } from '../platform/clock.ts';
import { type ConfigRead, type ConfigSource, readConfig } from '../platform/config.ts';
import { ConfigError } from '../platform/config/config-error.ts';
import { watchConfig } from '../platform/config/watch.ts';
import { createSend } from '../platform/egress.ts';
import { createSendOutside } from '../platform/egress/outside.ts';
import { every } from '../platform/every.ts';
import { createFiles } from '../platform/files.ts';
import { startHousekeeping } from '../platform/housekeeping.ts';
import { idMaker } from '../platform/ids.ts';
import { openLimiter, type OpenLimiter } from '../platform/limits/open.ts';
import { type OpenLocalModels, openLocalModels } from '../platform/local-model/open.ts';
import { type ClosableLog, createLog } from '../platform/log.ts';
import { type Money, openMoney } from '../platform/money/open.ts';
import { createMoneyStore } from '../platform/postgres/money.ts';
import { createStreams, type OpenStreams, purgeStreams } from '../platform/postgres/streams.ts';
import { portTrouble } from '../platform/port.ts';
import { createAnnounce } from '../platform/postgres/announce.ts';
import { createAudit } from '../platform/postgres/audit.ts';
import { writeBodies } from '../platform/postgres/body-store.ts';
import { createInProject } from '../platform/postgres/in-project.ts';
import { migrate } from '../platform/postgres/migrate.ts';
import { type OpenDatabase, openDatabase } from '../platform/postgres/open.ts';
import { openSecrets } from '../platform/secrets.ts';

import { announce } from './banner.ts';
import { allowedOrigins, snapshot } from './snapshot.ts';

type Running = {
  readonly app: App;
  readonly log: ClosableLog;
  readonly dispatch: Dispatch;
  readonly server: RunningServer;
  readonly database: OpenDatabase;
  readonly money: Money;
  readonly limits: OpenLimiter;
  readonly bodies: OpenBodies;
  readonly streams: OpenStreams;
  readonly localModels: OpenLocalModels;
  readonly deliveries: Deliveries;
  readonly close: () => void;
};
type State = { current: 'starting' | 'ready' | 'draining' };

const DRAIN_LOOK_MS = 20;
/** How soon after it happened an event is told. */
const DELIVERIES_LOOK_MS = 500;

/** `sluice serve`: everything in one process. Resolves when it has been told to stop and has stopped. */
export async function serve(source: ConfigSource, { json }: { readonly json: boolean }): Promise<void> {
  const beganAt = performance.now();
  const first = readConfig(source);
  const terminal = process.stdout.isTTY && !json;
  const log = createLog({ level: first.settings.debug ? 'debug' : first.settings.logLevel, pretty: terminal });
  for (const warning of first.warnings) log.warning(warning);
  const running = await start(source, first, log);
  const { app, server, database } = running;
  const { settings } = first;
  const user = await ensureFirstUser(app, settings);
  running.ready();
  announce(
    app,
    {
      url: `http://${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}`,
      database: database.where,
      dataDir: resolve(settings.dataDir),
      user,
      startedInMs: performance.now() - beganAt,
    },
    terminal ? (text) => process.stdout.write(text) : null,
  );
  await toldToStop();
  await drain(running, settings.shutdownGraceS);
}

async function start(source: ConfigSource, first: ConfigRead, log: ClosableLog): Promise<Running & { readonly ready: () => void }> {
  const { settings } = first;
  const dataDir = resolve(settings.dataDir);
  const state: State = { current: 'starting' };
  // The port first: it is the commonest thing to be wrong, and nothing has been started yet that would have to be stopped.
  assertPortIsFree(settings.apiHost, settings.apiPort);
  const localModels = openLocalModels({ settings, clock: systemClock, log });
  const config = await snapshot(first, 1, localModels.models);
  const [database, secrets] = await Promise.all([
    openDatabase({ databaseUrl: settings.databaseUrl, dataDir, log }),
    openSecrets({ dataDir, jwtSecret: settings.jwtSecret, environment: settings.environment }),
  ]);
  try {
    await migrate(database.pool, log);
    const live = liveConfig(source, { first, config, localModels }, log);
    const { outside, processId, endHousekeeping, ...parts } = await openOutside({ settings, dataDir, database, secrets, live, log, state });
    const app: App = { ...outside, gateway: createGateway(outside) };
    const identify = createIdentify(app);
    // Read now, so that a database that goes away before the first anonymous call is nothing to that call.
    await identify.nobody();
    const deliveries = createDeliveries(app);
    const endDeliveries = every(app.clock, DELIVERIES_LOOK_MS, deliveries.look);
    const dispatch = createDispatch(app, allRoutes(settings), identify, createKeptAnswers(app, processId));
    const server = startServer(dispatch, listening(settings));
    localModels.warm();
    const close = (): void => {
      state.current = 'draining';
      live.stop();
      endHousekeeping();
      endDeliveries();
    };
    return { ...parts, app, log, dispatch, server, database, localModels, deliveries, close, ready: () => (state.current = 'ready') };
  } catch (cause) {
    await database.close();
    throw cause;
  }
}

type Opening = Pick<Running, 'database' | 'log'> & {
  readonly settings: Settings;
  readonly dataDir: string;
  readonly secrets: App['secrets'];
  readonly live: ReturnType<typeof liveConfig>;
  readonly state: State;
};

/** Everything that reaches outside but the gateway, which stands on it. */
async function openOutside({ settings, dataDir, database, secrets, live, log, state }: Opening) {
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

/** The snapshot in force, swapped whole when the file changes or SIGHUP comes. */
function liveConfig(
  source: ConfigSource,
  { first, config: began, localModels }: { readonly first: ConfigRead; readonly config: Config; readonly localModels: OpenLocalModels },
  log: ClosableLog,
): { config: () => Config; origins: () => ReadonlySet<string>; stop: () => void } {
  let config = began;
  let origins = allowedOrigins(config);
  const watch = watchConfig({
    source,
    first,
    clock: systemClock,
    onRefused: (error) => log.error('the changed configuration is refused; the one before stays in force', { problems: error.problems }),
    async onChange(read, needRestart) {
      config = await snapshot(read, config.version + 1, localModels.models);
      origins = allowedOrigins(config);
      log.info('the configuration was read anew', { version: config.version });
      if (needRestart.length > 0) log.warning('some changes count only after a restart', { settings: needRestart });
    },
  });
  const reload = (): void => void watch.reload();
  process.on('SIGHUP', reload);
  return {
    config: () => config,
    origins: () => origins,
    stop: () => {
      watch.stop();
      process.off('SIGHUP', reload);
    },
  };
}

function listening(settings: Settings): Parameters<typeof startServer>[1] {
  return { host: settings.apiHost, port: settings.apiPort, patience: { bodyS: settings.requestBodyTimeoutS, idleS: settings.keepAliveTimeoutS } };
}

function upstreamTimes({ settings }: Config): { connectMs: number; readMs: number; writeMs: number } {
  return { connectMs: settings.upstreamConnectTimeoutS * 1000, readMs: settings.upstreamReadTimeoutS * 1000, writeMs: settings.upstreamWriteTimeoutS * 1000 };
}

function assertPortIsFree(host: string, port: number): void {
  const trouble = port === 0 ? null : portTrouble(host, port);
  if (trouble === null) return;
  if (trouble.code !== 'EADDRINUSE') throw new ConfigError([{ where: 'API_HOST, API_PORT', message: `Cannot listen on ${host}:${port}: ${trouble.message}` }]);
  const hint = `Stop it, or choose another port: API_PORT=${port + 1} make start`;
  throw new ConfigError([{ where: 'API_PORT', message: `Port ${port} on ${host} is taken${trouble.owner === null ? '' : ` by ${trouble.owner}`}`, hint }]);
}

function toldToStop(): Promise<void> {
  return new Promise((tell) => {
    process.once('SIGINT', () => tell());
    process.once('SIGTERM', () => tell());
  });
}

/** No new work; what is in flight may finish within the grace, and is then ended with an error that says why. */
async function drain({ app, log, dispatch, server, database, money, limits, bodies, streams, localModels, deliveries, close }: Running, graceS: number): Promise<void> {
  close();
  // Calls too: a stream that is kept may have nobody who reads it.
  const busy = (): boolean => dispatch.inFlight() > 0 || app.gateway.callsInFlight() > 0;
  process.once('SIGINT', () => process.exit(130));
  log.info('draining', { in_flight: dispatch.inFlight(), grace_s: graceS });
  const until = app.clock.monotonic() + graceS * 1000;
  while (busy() && app.clock.monotonic() < until) await app.clock.sleep(DRAIN_LOOK_MS);
  if (busy()) {
    app.gateway.stop(new AppError('SERVICE_UNAVAILABLE', { message: 'The service was shut down before this answer ended', retryAfterMs: 1000 }));
    const last = app.clock.monotonic() + 1000;
    while (busy() && app.clock.monotonic() < last) await app.clock.sleep(DRAIN_LOOK_MS);
  }
  await Promise.all([streams.close(), deliveries.close()]);
  await server.kill();
  limits.close();
  localModels.close();
  await Promise.all([money.close(), bodies.close()]);
  await database.close();
  log.info('stopped');
  log.flush();
}
