import type { App } from '../../app.ts';
import type { HealthReply, LocalModelCheck } from '../../contract/health.ts';
import type { Provider } from '../../core/provider.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { pingDatabase } from './store.ts';

const CHECK_EVERY_MS = 30_000;
const CHECK_LIMIT_MS = 2_000;

type ProviderHealth = HealthReply['checks']['providers'][string];
type Known = { readonly health: ProviderHealth; readonly atMs: number };

export function alive(): Reply {
  return { json: { status: 'ok' } };
}

export function ready(app: App): Reply {
  const state = app.lifecycle.state();
  const model = localModel(app);
  return { status: state === 'ready' ? 200 : 503, json: { status: state, ...(model.state === 'absent' ? {} : { local_model: model }) } };
}

export function createHealth(version: string): (app: App, exchange: Exchange) => Promise<Reply> {
  const known = new Map<Provider, Known>();

  return async (app, exchange) => {
    const [database, ...providers] = await Promise.all([
      checkDatabase(app),
      ...[...app.config().providers.values()].map((provider) => checkProvider(app, known, provider)),
    ]);
    const cache = app.gateway.cache.stats();
    const model = localModel(app);
    const isDegraded = model.status === 'error' || providers.some(([, health]) => health.status === 'error');
    const body: HealthReply = {
      status: database.status === 'error' ? 'error' : isDegraded ? 'degraded' : 'ok',
      version,
      uptime_s: Math.round((app.clock.now() - app.lifecycle.startedAt) / 1000),
      checks: {
        database,
        cache: { status: 'ok', size: cache.size },
        queue: { status: 'ok', calls_in_flight: app.gateway.callsInFlight() },
        limits: { status: 'ok', ...app.limiter.state() },
        local_model: model,
        providers: Object.fromEntries(providers),
      },
    };
    exchange.logFields['health'] = body.status;
    return { status: body.status === 'error' ? 503 : 200, json: body };
  };
}

/** The one that has to be loaded before it can answer, where there is such a one. */
function localModel(app: App): LocalModelCheck {
  const found = [...app.config().providers.values()].find(({ condition }) => condition !== undefined);
  const condition = found?.condition?.() ?? { state: 'absent' };
  return {
    status: condition.state === 'failed' ? 'error' : 'ok',
    state: condition.state,
    ...(found?.main === undefined ? {} : { model: found.main }),
    ...(condition.state === 'loading' ? { progress: condition.progress } : {}),
    ...(condition.state === 'failed' ? { message: condition.why } : {}),
  };
}

async function checkDatabase(app: App): Promise<HealthReply['checks']['database']> {
  const startedAt = app.clock.monotonic();
  try {
    await pingDatabase(app, AbortSignal.timeout(CHECK_LIMIT_MS));
    return { status: 'ok', latency_ms: Math.round((app.clock.monotonic() - startedAt) * 100) / 100 };
  } catch {
    return { status: 'error', message: 'The database does not answer' };
  }
}

/** The last verdict while it is fresh; an old one is renewed first, but nobody waits for it longer than a moment. */
async function checkProvider(app: App, known: Map<Provider, Known>, provider: Provider): Promise<[string, ProviderHealth]> {
  const before = known.get(provider);
  if (before && app.clock.now() - before.atMs < CHECK_EVERY_MS) return [provider.id, before.health];
  const atMs = app.clock.now();
  const pending: ProviderHealth = before?.health ?? { status: 'unknown', checked_at: null };
  // Set before the answer, so that a hundred hits at once make one call.
  known.set(provider, { health: pending, atMs });
  const health = await ask(app, provider, new Date(atMs).toISOString());
  known.set(provider, { health, atMs });
  return [provider.id, health];
}

async function ask(app: App, provider: Provider, checkedAt: string): Promise<ProviderHealth> {
  if (!provider.check) return { status: 'ok', checked_at: checkedAt };
  try {
    await provider.check({
      send: app.send,
      signal: AbortSignal.timeout(CHECK_LIMIT_MS),
      requestId: app.newId('req'),
      random: app.random,
      sleep: app.clock.sleep,
    });
    return { status: 'ok', checked_at: checkedAt };
  } catch (cause) {
    app.log.warning('a provider check failed', { provider: provider.id, reason: cause instanceof Error ? cause.message : String(cause) });
    return { status: 'error', checked_at: checkedAt, message: 'The provider did not answer its check; the log has the reason' };
  }
}
