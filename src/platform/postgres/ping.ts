import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';

/** "Do you speak TLS?": every Postgres, and what stands in front of one, answers it with one letter, before it asks who we are. */
const QUESTION = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
/** Time in which this process had no time to look is not the database's: of a longer pause only so much counts. */
const LOOK_EACH_MS = 50;

/**
 * Whether somebody is there. To log in would take five answers and a password's worth of computing, and on a machine that has too much to do
 * a database that is there would look like one that is not.
 */
export async function ping(options: ClientConfig, withinMs: number): Promise<void> {
  const { host, port } = new Client(options);
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  const answer = new Promise<void>((resolve, reject) => {
    socket.once('connect', () => socket.write(QUESTION));
    socket.once('data', () => resolve());
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
  const over = new AbortController();
  try {
    await Promise.race([answer, late(withinMs, over.signal)]);
  } finally {
    over.abort();
    socket.destroy();
  }
}

async function late(ms: number, signal: AbortSignal): Promise<never> {
  for (let left = ms; left > 0; left -= LOOK_EACH_MS) await sleep(LOOK_EACH_MS, undefined, { signal });
  throw new Error(`no answer within ${ms} ms`);
}
