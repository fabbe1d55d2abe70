import type { Clock } from '../../app.ts';
import type { Connection } from './connection.ts';

/** Connections that wait for their next call. */
export type Pool = {
  /** The one that was used last: it is the likeliest to be open still, and the others may grow old. */
  readonly take: (origin: string) => Connection | null;
  /** `keepAliveMs` as the server said it, null where it did not. */
  readonly give: (origin: string, connection: Connection, keepAliveMs: number | null) => void;
};

const IDLE_MS = 15_000;
/** A server counts from its own last byte: without this, our next call would meet its closing half way. */
const HASTE_MS = 1_000;
const IDLE_MAX = 256;
const SWEEP_MS = 1_000;

export function createPool(clock: Clock): Pool {
  const idle = new Map<string, Connection[]>();
  let isSwept = false;

  const sweep = (): void => {
    const now = clock.monotonic();
    for (const [origin, connections] of idle) {
      const kept = connections.filter((each) => each.isOpen && each.idleUntil > now);
      for (const each of connections) if (each.idleUntil <= now) each.end();
      if (kept.length === 0) idle.delete(origin);
      else idle.set(origin, kept);
    }
    isSwept = idle.size > 0;
    if (isSwept) clock.after(SWEEP_MS, sweep);
  };

  return {
    take(origin) {
      const connections = idle.get(origin);
      for (let last = connections?.pop(); last !== undefined; last = connections?.pop()) {
        if (last.isOpen && last.idleUntil > clock.monotonic()) return last;
        last.end();
      }
      return null;
    },

    give(origin, connection, keepAliveMs) {
      const idleMs = keepAliveMs === null ? IDLE_MS : Math.min(IDLE_MS, keepAliveMs - HASTE_MS);
      let connections = idle.get(origin);
      if (connections === undefined) idle.set(origin, (connections = []));
      if (idleMs <= 0 || connections.length >= IDLE_MAX) {
        connection.end();
        return;
      }
      connection.rest(clock.monotonic() + idleMs);
      connections.push(connection);
      if (isSwept) return;
      isSwept = true;
      clock.after(SWEEP_MS, sweep);
    },
  };
}
