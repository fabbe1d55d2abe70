import { z } from 'zod';

export const Alive = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Alive' });

const Check = z.strictObject({ status: z.enum(['ok', 'error', 'unknown']), latency_ms: z.number().optional(), message: z.string().optional() });

const LocalModelCheck = z
  .strictObject({
    status: z.enum(['ok', 'error']),
    state: z
      .enum(['absent', 'idle', 'loading', 'ready', 'failed'])
      .describe('`absent`: there is none. `idle`: not in memory; the next question loads it. `failed`: it cannot be loaded, and `message` says why.'),
    model: z.string().optional(),
    progress: z.number().min(0).max(1).optional().describe('While it is being loaded.'),
    message: z.string().optional(),
  })
  .meta({ id: 'LocalModelHealth' });
export type LocalModelCheck = z.output<typeof LocalModelCheck>;

export const HealthReply = z
  .strictObject({
    status: z.enum(['ok', 'degraded', 'error']),
    version: z.string(),
    uptime_s: z.number(),
    checks: z.strictObject({
      database: Check,
      cache: Check.extend({ size: z.int() }),
      queue: Check.extend({ calls_in_flight: z.int() }),
      limits: Check.extend({
        store: z.enum(['redis', 'local']).describe('`redis`: counted over all processes. `local`: each process has its share.'),
        processes: z.int().describe('That serve with the same database, this one included.'),
      }),
      local_model: LocalModelCheck,
      providers: z.record(
        z.string(),
        z.strictObject({ status: z.enum(['ok', 'error', 'unknown']), checked_at: z.iso.datetime().nullable(), message: z.string().optional() }),
      ),
    }),
  })
  .meta({ id: 'Health' });
export type HealthReply = z.output<typeof HealthReply>;

export const ReadyReply = z
  .strictObject({
    status: z.enum(['ready', 'starting', 'draining']),
    local_model: LocalModelCheck.optional().describe('Where there is one. Traffic may come while it is being loaded: a question to it waits.'),
  })
  .meta({ id: 'Ready' });

export const RootReply = z
  .strictObject({ status: z.literal('ok'), name: z.string(), version: z.string(), docs: z.string().describe('Where to read on.') })
  .meta({ id: 'Root' });
