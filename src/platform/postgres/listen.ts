import { Client, type Pool } from 'pg';
import type { Clock, Log } from '../../app.ts';
import { messageOf } from './database-start-error.ts';

/** Hears what transactions said with NOTIFY, by a connection of its own. Whoever listens must also look by themselves now and then. */
export type Listener = {
  /** Ends the connection. */
  readonly close: () => Promise<void>;
};

type Listening = {
  readonly pool: Pick<Pool, 'options'>;
  readonly channel: string;
  /** Called at each word, and whenever words may have been missed. */
  readonly heard: () => void;
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Log;
};

const AGAIN_MS = 1000;

export function startListening({ pool, channel, heard, clock, log }: Listening): Listener {
  let client = null as Client | null;
  let closed = false;
  let cancel = null as (() => void) | null;

  const lost = (dead: Client): void => {
    if (dead !== client) return;
    client = null;
    void dead.end().catch(() => undefined);
    if (!closed) cancel = clock.after(AGAIN_MS, () => void connect());
  };
  async function connect(): Promise<void> {
    // The address of the embedded database may be another one by now.
    const fresh = new Client(pool.options);
    client = fresh;
    fresh.on('notification', heard);
    fresh.on('error', () => lost(fresh));
    fresh.on('end', () => lost(fresh));
    try {
      await fresh.connect();
      await fresh.query(`listen ${fresh.escapeIdentifier(channel)}`);
      heard();
    } catch (cause) {
      log.debug('nobody listens to the database for now', { channel, reason: messageOf(cause) });
      lost(fresh);
    }
  }
  void connect();
  return {
    async close() {
      closed = true;
      cancel?.();
      const last = client;
      client = null;
      await last?.end().catch(() => undefined);
    },
  };
}
