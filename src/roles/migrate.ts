import { resolve } from 'node:path';
import { type ConfigSource, readConfig } from '../platform/config.ts';
import { createLog } from '../platform/log.ts';
import { migrate } from '../platform/postgres/migrate.ts';
import { openDatabase } from '../platform/postgres/open.ts';

/** `sluice migrate`: for those who bring the database up to date before they roll out. Answers what it applied. */
export async function migrateOnly(source: ConfigSource): Promise<readonly string[]> {
  const { settings } = readConfig(source);
  const log = createLog({ level: settings.logLevel, pretty: process.stderr.isTTY, write: (text) => process.stderr.write(text) });
  const database = await openDatabase({ databaseUrl: settings.databaseUrl, dataDir: resolve(settings.dataDir), log });
  try {
    const { applied } = await migrate(database.pool, log);
    log.flush();
    return applied;
  } finally {
    await database.close();
  }
}
