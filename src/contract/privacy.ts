/** What is kept of what people say, and for how long: the defaults of `privacy:` and `retention:` in sluice.config.yaml. */
export const BUILT_IN_REDACTIONS = ['email', 'phone', 'card', 'key'] as const;
export type BuiltInRedaction = (typeof BUILT_IN_REDACTIONS)[number];

export const KEEP_BODIES = ['off', 'errors', 'all'] as const;
/** 400 days show each month beside that of the year before. Files of batches go when OpenAI's do. */
export const RETENTION_DAYS = { ledger_days: 400, bodies_days: 30, audit_days: 730, files_days: 30 } as const;
export const REDACTED: readonly BuiltInRedaction[] = ['card', 'key'];
