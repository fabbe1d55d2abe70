import type { Config } from '../app.ts';
import type { ConfigRead } from '../platform/config.ts';
import { buildProviders } from '../providers/index.ts';

const WITH_A_KEY = 'gpt-4o-mini';
const WITHOUT = 'demo';

/** What a reading of the configuration means, frozen: a call keeps the snapshot that it started with. */
export function snapshot(read: ConfigRead, version: number): Config {
  const { settings, file } = read;
  const providers = buildProviders(settings, file);
  return Object.freeze({
    settings,
    file,
    providers,
    defaultModel: settings.defaultModel ?? (providers.has('openai') ? WITH_A_KEY : WITHOUT),
    allowAnonymous: settings.allowAnonymous ?? settings.environment === 'development',
    corsOrigins: settings.corsOrigins ?? (settings.environment === 'development' ? ['*'] : []),
    version,
  });
}

export function allowedOrigins(config: Config): ReadonlySet<string> {
  return new Set([...config.providers.values()].flatMap((provider) => provider.origin ?? []));
}
