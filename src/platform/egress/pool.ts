import type { Clock } from '../../app.ts';
import type { Connection, ConnectionUser } from './connection.ts';

/** Connections that wait for their next call. */
export type Pool = {
  /** The one that was used last: it is the likeliest to be open still, and the others may grow old. */
  readonly take: (origin: string) => Connection | null;
  /** `keepAliveMs` as the server said it, null where it did not. */
  readonly give: (origin: string, connection: Connection, keepAliveMs: number | null) => void;
};

type Idle = { readonly connection: Connection; readonly until: number };

const IDLE_MS = 15_000;
/** A server counts from its own last byte: without this, our next call would meet its closing half way. */
const HASTE_MS = 1_000;
const IDLE_MAX = 256;
const SWEEP_MS = 1_000;

export function createPool(clock: Clock): Pool {
  const idle = new Map<string, Idle[]>();
  let isSwept = false;

  const forget = (origin: string, connection: Connection): void => {
    const kept = idle.get(origin)?.filter((each) => each.connection !== connection) ?? [];
    if (kept.length === 0) idle.delete(origin);
    else idle.set(origin, kept);
  };

  const sweep = (): void => {
    const now = clock.monotonic();
    for (const [origin, each] of idle) {
      for (const { connection } of each.filter(({ until }) => until <= now)) connection.end();
      const kept = each.filter(({ until }) => until > now);
      if (kept.length === 0) idle.delete(origin);
      else idle.set(origin, kept);
    }
    isSwept = idle.size > 0;
    if (isSwept) clock.after(SWEEP_MS, sweep);
  };

  return {
    take(origin) {
      const each = idle.get(origin);
      for (let last = each?.pop(); last !== undefined; last = each?.pop()) {
        if (last.connection.isOpen && last.until > clock.monotonic()) return last.connection;
        last.connection.end();
      }
      return null;
    },

    give(origin, connection, keepAliveMs) {
      const idleMs = keepAliveMs === null ? IDLE_MS : Math.min(IDLE_MS, keepAliveMs - HASTE_MS);
      let each = idle.get(origin);
      if (each === undefined) idle.set(origin, (each = []));
      if (idleMs <= 0 || each.length >= IDLE_MAX) {
        connection.end();
        return;
      }
      connection.isReused = true;
      connection.user = idleUser(connection, () => forget(origin, connection));
      each.push({ connection, until: clock.monotonic() + idleMs });
      if (isSwept) return;
      isSwept = true;
      clock.after(SWEEP_MS, sweep);
    },
  };
}

/** Bytes that nobody asked for are no answer to the next call. */
function idleUser(connection: Connection, forget: () => void): ConnectionUser {
  return {
    received() {
      connection.reset();
      forget();
    },
    drained: () => undefined,
    closed: forget,
  };
}
