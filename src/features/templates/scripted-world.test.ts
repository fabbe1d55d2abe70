import type { App } from '../../app.ts';
import type { ModelCall, RunningCall } from '../../app/gateway.ts';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../../contract/policy.ts';
import { callIds } from '../../core/call-ids.ts';
import { answerEvents } from '../../core/events.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { systemClock } from '../../platform/clock.ts';
import { idMaker } from '../../platform/ids.ts';
import { createAudit } from '../../platform/postgres/audit.ts';
import { createInProject } from '../../platform/postgres/in-project.ts';
import { quiet } from '../../platform/postgres/own-database.test.ts';
import { templateRoutes } from './routes.ts';

/**
 * What the tests of this folder stand on: a project, and a model that says what it is told to. It has no test of its own, and is named like
 * one so that everything that leaves tests out, the image above all, leaves this out.
 */
export type World = { readonly app: App; readonly asked: ModelCall[]; readonly principal: Principal; now: number };
type Script = { readonly db: App['db']; readonly projectId: string; readonly answers?: readonly string[]; readonly settings?: object };

export function scriptedWorld({ db, projectId, answers = ['said'], settings = {} }: Script): World {
  const asked: ModelCall[] = [];
  const run = (call: ModelCall): Promise<RunningCall> => Promise.resolve(running(answers[asked.push(call) - 1] ?? ''));
  const built: World = {
    app: null as unknown as App,
    asked,
    principal: { kind: 'user', projectId, userId: 'u', username: 'ada', role: 'member', sessionId: 's', limits: [], budgets: [] },
    now: 1.7e12,
  };
  const app = {
    db,
    inProject: createInProject(db),
    audit: createAudit({ clock: systemClock, newId: idMaker(Date.now) }),
    config: () => ({
      settings: { defaultTemperature: 0.7, defaultMaxTokens: 1000, debug: false, appName: 'Sluice', environment: 'development', ...settings },
      defaultModel: 'm',
      allowAnonymous: true,
    }),
    clock: { monotonic: () => 0, now: () => tick(built), after: () => () => undefined },
    newId: (prefix: string) => `${prefix}_1`,
    log: quiet,
    lifecycle: { startedAt: 1.7e12 - 5000, state: () => 'ready' },
    gateway: {
      run,
      resolve: () => ({ name: 'm', provider: 'p', facts: { id: 'm', contextTokens: 1000, outputTokensMax: 1000, capabilities: ['json_schema'] } }),
      models: () => [{ name: 'm' }],
      cache: { stats: () => ({ size: 2, maxEntries: 10, hits: 1, misses: 3 }) },
      callsInFlight: () => 0,
    },
  };
  return Object.assign(built, { app });
}

function tick(world: World): number {
  world.now += 1;
  return world.now;
}

function running(text: string): RunningCall {
  const usage = { inputTokens: 3, outputTokens: 2 };
  async function* batches() {
    yield answerEvents({ model: 'm', text, reasoning: '', refusal: '', toolCalls: [], usage, finishReason: 'stop' });
  }
  return {
    model: 'm',
    provider: 'p',
    cache: 'MISS',
    attempts: 1,
    queueMs: 0,
    limitHeaders: {},
    upstreamMs: () => 0,
    events: batches(),
    receipt: () => ({ usage, costNanoUsd: 0 }),
  };
}

type Asking = { readonly id?: string; readonly query?: object; readonly body?: unknown };

export async function ask(from: World, route: string, { id, query, body }: Asking = {}): Promise<Reply> {
  const found = templateRoutes.find(({ method, path }) => `${method} ${path}` === route);
  if (!found) throw new Error(`no route ${route}`);
  const request = new Request('http://localhost/x');
  const exchange = {
    request,
    path: '/x',
    route: '/x',
    ids: callIds('call_1', 0),
    requestId: 'req_1',
    principal: from.principal,
    address: '',
    params: { id },
    query: query ?? {},
    signal: request.signal,
    outlive: () => () => undefined,
    deadline: 1e15,
    logFields: {},
  };
  return found.handle(from.app, { ...exchange, body: body === undefined ? undefined : found.body?.parse(body) } satisfies Exchange);
}

export async function thrown(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.catch((cause: unknown) => cause);
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${JSON.stringify(error)}`);
}
