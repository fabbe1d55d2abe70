import type { ConfigFile } from './config-file.ts';
import { REDACTED, RETENTION_DAYS } from './privacy.ts';

/** What the schema makes of an empty file; written out, so that a start without a file need not load the schema. */
export const EMPTY_CONFIG_FILE: ConfigFile = {
  providers: {},
  models: {},
  prices: {},
  catalog: {},
  privacy: { keep_bodies: 'off', redact: [...REDACTED] },
  retention: { ...RETENTION_DAYS },
  webhooks: { allow_networks: [] },
  settings: {},
};
