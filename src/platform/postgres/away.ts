import type { PostgresPool } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { AppError } from '../../contract/errors.ts';
import { systemClock } from '../clock.ts';
import { codeOf, messageOf } from './database-start-error.ts';
import { ping } from './ping.ts';
import { createSilenceWatch, SilentError, type SilenceWatch } from './silence.ts';

/** A connection that cannot be had, or was lost: by the system's code, by Postgres's (classes 08 and 57P, 53300), or by the driver's words. */
const AWAY_CODE = /^(?:ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_|08|57P0[1-5]|53300)/;
const AWAY_WORDS = /^(?:Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error)/;
const RETRY_AFTER_MS = 1000;
/** With the wait before anybody is asked, a caller of a database that stands still knows after a second. */
const ANSWER_WITHIN_MS = 700;

export function isAway(error: unknown): boolean {
  return error instanceof SilentError || AWAY_CODE.test(codeOf(error)) || AWAY_WORDS.test(messageOf(error));
}

/** What a caller is told when the database is away; every other error goes on as it is. */
function asCallerSees(error: unknown): unknown {
  if (!isAway(error)) return error;
  return new AppError('SERVICE_UNAVAILABLE', {
    message: 'The database is away; try again in a moment',
    retryAfterMs: RETRY_AFTER_MS,
    internal: { reason: messageOf(error) },
    cause: error,
  });
}

/** The pool as the query builder sees it: a database that is away is SERVICE_UNAVAILABLE, said here once for all slices, and said soon. */
export function callersPool(pool: Pool): PostgresPool {
  const watch = createSilenceWatch({
    clock: systemClock,
    ask: () => ping(pool.options, ANSWER_WITHIN_MS),
    over: () => pool.ending,
    onSilent: () => pool.emit('error', new SilentError(), undefined),
  });
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      let connecting = null as Promise<PoolClient> | null;
      try {
        return guarded(await watch.wait(() => (connecting = pool.connect())), watch);
      } catch (cause) {
        // One that comes after it was given up is for the next one.
        void connecting?.then((late) => late.release()).catch(() => undefined);
        throw asCallerSees(cause);
      }
    },
  };
}

function guarded(client: PoolClient, watch: SilenceWatch): PoolClient {
  let lost = false;
  const query = (...asked: Parameters<PoolClient['query']>): Promise<unknown> =>
    watch
      .wait(async () => client.query(...asked))
      .catch((cause: unknown) => {
        // In the middle of a statement, or of a transaction, it is of no use to anybody else.
        lost ||= isAway(cause);
        throw asCallerSees(cause);
      });
  return Object.assign(Object.create(client) as PoolClient, { query, release: () => client.release(lost) });
}
