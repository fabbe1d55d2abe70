import type { PostgresPool } from 'kysely';
import type { Pool } from 'pg';
import { AppError } from '../../contract/errors.ts';
import { codeOf, messageOf } from './database-start-error.ts';

/** A connection that cannot be had, or was lost: by the system's code, by Postgres's (classes 08 and 57P, 53300), or by the driver's words. */
const AWAY_CODE = /^(?:ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_|08|57P0[1-5]|53300)/;
const AWAY_WORDS = /^(?:Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error)/;
const RETRY_AFTER_MS = 1000;

export function isAway(error: unknown): boolean {
  return AWAY_CODE.test(codeOf(error)) || AWAY_WORDS.test(messageOf(error));
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

/** The pool as the query builder sees it: a database that is away is SERVICE_UNAVAILABLE, said here once for all slices. */
export function callersPool(pool: Pool): PostgresPool {
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect().catch((cause: unknown) => {
        throw asCallerSees(cause);
      });
      const query = (...asked: Parameters<typeof client.query>): unknown => {
        const result: unknown = client.query(...asked);
        if (!(result instanceof Promise)) return result;
        return result.catch((cause: unknown) => {
          throw asCallerSees(cause);
        });
      };
      return Object.assign(Object.create(client) as typeof client, { query, release: () => client.release() });
    },
  };
}
