import type { Config } from '../app.ts';
import { systemClock } from '../platform/clock.ts';
import type { ConfigRead, ConfigSource } from '../platform/config.ts';
import { watchConfig } from '../platform/config/watch.ts';
import type { OpenLocalModels } from '../platform/local-model/open.ts';
import type { ClosableLog } from '../platform/log.ts';
import { allowedOrigins, snapshot } from './snapshot.ts';

export type LiveConfig = { readonly config: () => Config; readonly origins: () => ReadonlySet<string>; readonly stop: () => void };

/** The snapshot in force, swapped whole when the file changes or SIGHUP comes. */
export function liveConfig(
  source: ConfigSource,
  { first, config: began, localModels }: { readonly first: ConfigRead; readonly config: Config; readonly localModels: OpenLocalModels },
  log: ClosableLog,
): LiveConfig {
  let config = began;
  let origins = allowedOrigins(config);
  let last = first;
  const take = async (read: ConfigRead): Promise<void> => {
    config = await snapshot(read, config.version + 1, localModels.models);
    origins = allowedOrigins(config);
    last = read;
    log.info('the configuration was read anew', { version: config.version });
  };
  localModels.watch(
    () => void take(last).catch((cause: unknown) => log.error('the models of this machine changed, and cannot be used', { reason: String(cause) })),
  );
  const watch = watchConfig({
    source,
    first,
    clock: systemClock,
    onRefused: (error) => log.error('the changed configuration is refused; the one before stays in force', { problems: error.problems }),
    async onChange(read, needRestart) {
      await take(read);
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
