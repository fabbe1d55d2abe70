import type { Config } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import type { LocalModel, LocalModels } from '../core/local-model.ts';
import type { Provider } from '../core/provider.ts';
import { buildRoutes, type RouteTable } from '../core/routing.ts';
import { parseUnknownPrice } from '../core/unknown-price.ts';
import type { ConfigRead } from '../platform/config.ts';
import { systemClock } from '../platform/clock.ts';
import { ConfigError } from '../platform/config/config-error.ts';
import { openLocalModels } from '../platform/local-model/open.ts';
import { PackageProblem } from '../providers/ai-sdk-packages.ts';
import { buildProviders, type Packages } from '../providers/index.ts';
import { LOCAL } from '../providers/local.ts';
import { loadPackages } from './packages.ts';

const WITH_A_KEY = 'gpt-4o-mini';
const WITHOUT = 'demo';

/** What a reading of the configuration means, frozen: a call keeps the snapshot that it started with. The packages that it names are loaded first. */
export async function snapshot(read: ConfigRead, version: number, localModels: LocalModels = () => lookForLocalModels(read.settings)): Promise<Config> {
  const { settings, file } = read;
  const local = localModels();
  const providers = providersOf(read, await loadPackages(read), local);
  const defaultModel = settings.defaultModel ?? (providers.has('openai') ? WITH_A_KEY : (cheapestListed(providers) ?? ownModel(local) ?? WITHOUT));
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

/** For who only reads the configuration: nothing of what is found is started. */
function lookForLocalModels(settings: ConfigRead['settings']): readonly LocalModel[] {
  const silent = { debug: ignore, info: ignore, warning: ignore, error: ignore };
  return openLocalModels({ settings, clock: systemClock, log: silent }).models();
}

function ignore(): void {}

/** The one of this machine, where it speaks and its file looks as if it could be loaded. */
function ownModel([first]: readonly LocalModel[]): string | null {
  return first?.facts.makes === 'text' && first.facts.problem === null ? LOCAL : null;
}

function providersOf({ settings, file }: ConfigRead, packages: Packages, local: readonly LocalModel[]): Map<string, Provider> {
  try {
    return buildProviders(settings, file, packages, local);
  } catch (cause) {
    if (!(cause instanceof PackageProblem)) throw cause;
    throw new ConfigError([{ where: `providers.${cause.provider}`, message: cause.message, hint: cause.hint }]);
  }
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
  return new Set([...config.providers.values()].flatMap(({ origin, asideOrigins = [] }) => (origin === null ? asideOrigins : asideOrigins.concat(origin))));
}
