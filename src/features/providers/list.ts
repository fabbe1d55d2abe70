import type { App } from '../../app.ts';
import type { TargetState } from '../../app/gateway.ts';
import type { ProviderList } from '../../contract/providers.ts';
import type { Provider } from '../../core/provider.ts';
import { placeName } from '../../core/routing.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { healthReply, timeOf } from './breaker.ts';

type Listed = ProviderList['data'][number];

/** A key sees what it may call; who is not signed in sees how well each is, and neither where it is nor how much it has to do. */
export function listProviders(app: App, { principal }: Exchange): Reply {
  const { providers, file } = app.config();
  const seen = principal.kind === 'key' ? placesOf(app, principal.allowedModels) : null;
  const targets = app.gateway.targets().filter(({ provider, model }) => seen === null || seen.has(`${provider}/${model}`) || seen.has(model));
  const isSignedIn = principal.kind !== 'anonymous';
  const data = [...providers.values()].map((provider): Listed => ({
    id: provider.id,
    host: isSignedIn ? hostOf(provider) : null,
    dialects: [...(provider.dialects ?? [])],
    models: provider.models.length,
    open: provider.open,
    max_parallel: file.providers[provider.id]?.max_parallel ?? null,
    keys: isSignedIn ? keysReply(provider) : null,
    targets: targets.filter((target) => isOf(target, provider)).map((target) => targetReply(target, isSignedIn)),
  }));
  return { json: { data, has_more: false, next_cursor: null } };
}

/** The names that a key may call, and where those that are aliases lead. */
function placesOf(app: App, allowedModels: readonly string[] | null): ReadonlySet<string> | null {
  if (allowedModels === null) return null;
  const { routes } = app.config();
  const led = allowedModels.filter((name) => routes.names.has(name)).flatMap((name) => routes.candidates(name));
  return new Set([...allowedModels, ...led.map(placeName)]);
}

function hostOf({ origin }: Provider): string | null {
  return origin === null ? null : new URL(origin).host;
}

function keysReply({ byKey }: Provider): Listed['keys'] {
  return byKey?.map(({ key: { name, weight, rpm, maxParallel } }) => ({ name, weight, rpm, max_parallel: maxParallel })) ?? null;
}

/** By a key that it has still. */
function isOf({ provider, key }: TargetState, { id, byKey }: Provider): boolean {
  if (provider !== id) return false;
  return key === null ? byKey === undefined : (byKey?.some((each) => each.key.id === key.id) ?? false);
}

function targetReply(target: TargetState, isSignedIn: boolean): Listed['targets'][number] {
  const { model, key, calls, failures, inFlight, lastFailure } = target;
  return {
    model,
    key: isSignedIn ? (key?.name ?? null) : null,
    ...healthReply(target),
    last_failure: lastFailure === null ? null : { ...lastFailure, at: timeOf(lastFailure.at) },
    traffic: isSignedIn ? { calls, failures, in_flight: inFlight } : null,
  };
}
