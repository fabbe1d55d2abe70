import type { Config } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import { buildRoutes, type RouteTable } from '../core/routing.ts';
import { parseUnknownPrice } from '../core/unknown-price.ts';
import type { ConfigRead } from '../platform/config.ts';
import { ConfigError } from '../platform/config/config-error.ts';
import { buildProviders } from '../providers/index.ts';

const WITH_A_KEY = 'gpt-4o-mini';
const WITHOUT = 'demo';

/** What a reading of the configuration means, frozen: a call keeps the snapshot that it started with. */
export function snapshot(read: ConfigRead, version: number): Config {
  const { settings, file } = read;
  const providers = buildProviders(settings, file);
  const defaultModel = settings.defaultModel ?? (providers.has('openai') ? WITH_A_KEY : (cheapestListed(providers) ?? WITHOUT));
  return Object.freeze({
    settings,
    file,
    providers,
    routes: routesOf({ providers, file, defaultModel, unknownPrice: parseUnknownPrice(settings.unknownPrice) ?? 'refuse' }),
    defaultModel,
    allowAnonymous: settings.allowAnonymous ?? settings.environment === 'development',
    corsOrigins: settings.corsOrigins ?? (settings.environment === 'development' ? ['*'] : []),
    version,
  });
}

/** Of the first provider on the network that lists models with a price. */
function cheapestListed(providers: Config['providers']): string | null {
  for (const { id, origin, models } of providers.values()) {
    const priced = models.flatMap(({ id: model, price, capabilities }) =>
      price && capabilities.includes('chat') ? [{ model, nanoUsd: price.inputNanoUsd + price.outputNanoUsd }] : [],
    );
    const [cheapest] = priced.toSorted((a, b) => a.nanoUsd - b.nanoUsd);
    if (origin !== null && cheapest) return `${id}/${cheapest.model}`;
  }
  return null;
}

/** Names that lead nowhere are found when the configuration is read, and not by the first caller. */
function routesOf(sources: Parameters<typeof buildRoutes>[0]): RouteTable {
  try {
    const routes = buildRoutes(sources);
    routes.candidates(sources.defaultModel);
    return routes;
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    const available = cause.parts.details?.['available'] as readonly string[] | undefined;
    const hint = available && `What can be called: ${available.slice(0, 20).join(', ')}`;
    throw new ConfigError([{ where: 'models, DEFAULT_MODEL', message: cause.message, ...(hint === undefined ? {} : { hint }) }]);
  }
}

export function allowedOrigins(config: Config): ReadonlySet<string> {
  return new Set([...config.providers.values()].flatMap((provider) => provider.origin ?? []));
}
