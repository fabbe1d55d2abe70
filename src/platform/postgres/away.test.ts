import { expect, test } from 'bun:test';
import { Pool } from 'pg';
import { AppError } from '../../contract/errors.ts';
import { callersPool, isAway } from './away.ts';

test.each(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', '57P01', '57P03', '53300', '08006'])('%s means that the database is away', (code) => {
  expect(isAway(Object.assign(new Error('x'), { code }))).toBe(true);
});

test.each(['Connection terminated unexpectedly', 'timeout exceeded when trying to connect'])('"%s" does too', (message) => {
  expect(isAway(new Error(message))).toBe(true);
});

test.each(['23505', '42601', ''])('an error of the statement (%p) does not', (code) => {
  expect(isAway(Object.assign(new Error('duplicate key'), { code }))).toBe(false);
});

test('whoever asks a database that is not there is told 503 and when to come back', async () => {
  const pool = new Pool({ host: '127.0.0.1', port: 1 });
  const refusal = await callersPool(pool)
    .connect()
    .catch((thrown: unknown) => thrown);
  await pool.end();
  expect(refusal).toBeInstanceOf(AppError);
  expect(refusal).toMatchObject({ code: 'SERVICE_UNAVAILABLE', parts: { retryAfterMs: 1000 } });
});
