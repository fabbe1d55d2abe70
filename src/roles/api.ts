import { resolve } from 'node:path';
import type { Settings } from '../contract/settings.ts';
import { ensureFirstUser } from '../features/auth/first-user.ts';
import { createIdentify } from '../features/auth/identify.ts';
import { createKeptAnswers } from '../features/idempotency/answers.ts';
import { createDispatch } from '../http/dispatch.ts';
import { startServer } from '../http/server.ts';
import { type ConfigSource, readConfig } from '../platform/config.ts';
import { ConfigError } from '../platform/config/config-error.ts';
import { createLog } from '../platform/log.ts';
import { portTrouble } from '../platform/port.ts';
import { announce } from './banner.ts';
import { drain, toldToStop } from './drain.ts';
import { openAll } from './open.ts';
import { beginJobs } from './worker.ts';

type Serving = { readonly json: boolean; readonly worker: boolean };

/** `sluice serve`: everything in one process, or all but the work on jobs. Resolves when it has been told to stop and has stopped. */
export async function serve(source: ConfigSource, { json, worker }: Serving): Promise<void> {
  const beganAt = performance.now();
  const first = readConfig(source);
  const { settings } = first;
  const terminal = process.stdout.isTTY && !json;
  const log = createLog({ level: settings.debug ? 'debug' : settings.logLevel, pretty: terminal });
  for (const warning of first.warnings) log.warning(warning);
  // The port first: it is the commonest thing to be wrong, and nothing has been started yet that would have to be stopped.
  assertPortIsFree(settings.apiHost, settings.apiPort);
  const opened = await openAll(source, first, log);
  const { app, database } = opened;
  const { dispatch, server } = await listen(opened, settings).catch(async (cause: unknown) => {
    await database.close();
    throw cause;
  });
  opened.localModels.warm();
  const user = await ensureFirstUser(app, settings);
  opened.ready();
  const listener = worker ? beginJobs(opened) : null;
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
  await listener?.close();
  await drain(opened, settings.shutdownGraceS, { inFlight: dispatch.inFlight, kill: server.kill });
}

async function listen({ app, routes, processId }: Awaited<ReturnType<typeof openAll>>, settings: Settings) {
  const identify = createIdentify(app);
  // Read now, so that a database that goes away before the first anonymous call is nothing to that call.
  await identify.nobody();
  const dispatch = createDispatch(app, routes, identify, createKeptAnswers(app, processId));
  return { dispatch, server: startServer(dispatch, listening(settings)) };
}

function listening(settings: Settings): Parameters<typeof startServer>[1] {
  return { host: settings.apiHost, port: settings.apiPort, patience: { bodyS: settings.requestBodyTimeoutS, idleS: settings.keepAliveTimeoutS } };
}

function assertPortIsFree(host: string, port: number): void {
  const trouble = port === 0 ? null : portTrouble(host, port);
  if (trouble === null) return;
  if (trouble.code !== 'EADDRINUSE') throw new ConfigError([{ where: 'API_HOST, API_PORT', message: `Cannot listen on ${host}:${port}: ${trouble.message}` }]);
  const hint = `Stop it, or choose another port: API_PORT=${port + 1} make start`;
  throw new ConfigError([{ where: 'API_PORT', message: `Port ${port} on ${host} is taken${trouble.owner === null ? '' : ` by ${trouble.owner}`}`, hint }]);
}
