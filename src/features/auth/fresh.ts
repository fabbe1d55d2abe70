import type { App } from '../../app.ts';

/**
 * What is known of something in the database, read anew when it is older than a second. All times are monotonic, and are when a reading began:
 * what it saw may be as old as that.
 */
export type Fresh<Value> = {
  readonly find: () => Promise<Value | null>;
  value: Value | null;
  readAt: number;
  triedAt: number;
  reading: Promise<void> | null;
};

export type Freshness = {
  /** Whether it is at most a second old, or all that can be had at this moment. */
  readonly isFresh: (known: Fresh<unknown>) => boolean;
  /** How old it is, in milliseconds; infinite where it was never read. */
  readonly ageMs: (known: Fresh<unknown>) => number;
  /** One reading at a time for each, and it never throws: what was known stays known. */
  readonly read: <Value>(known: Fresh<Value>) => Promise<void>;
};

/** A change elsewhere is seen when it is read again, which each call does that finds it older than this. */
export const FRESH_MS = 1000;
/** A database that says nothing for this long is away. */
const READ_MAX_MS = 1000;

export function unread<Value>(find: () => Promise<Value | null>): Fresh<Value> {
  return { find, value: null, readAt: Number.NEGATIVE_INFINITY, triedAt: Number.NEGATIVE_INFINITY, reading: null };
}

export function createFreshness({ clock, log }: Pick<App, 'clock' | 'log'>): Freshness {
  let away = false;
  const report = (nowAway: boolean, cause?: unknown): void => {
    if (nowAway !== away) {
      if (nowAway) log.warning('who calls cannot be checked, because the database is away', { cause: String(cause) });
      else log.info('who calls can be checked again');
    }
    away = nowAway;
  };

  async function readAnew<Value>(known: Fresh<Value>): Promise<void> {
    const beganAt = clock.monotonic();
    known.triedAt = beganAt;
    const reading = async (): Promise<void> => {
      const found = await known.find();
      // A reading that was given up may still end, after a later one has.
      if (beganAt >= known.readAt) Object.assign(known, { value: found, readAt: beganAt });
    };
    try {
      await withinTime(clock, reading());
      report(false);
    } catch (cause) {
      report(true, cause);
    } finally {
      known.reading = null;
    }
  }

  return {
    isFresh: (known) => known.reading === null && clock.monotonic() - known.triedAt < FRESH_MS,
    ageMs: (known) => clock.monotonic() - known.readAt,
    read: (known) => (known.reading ??= readAnew(known)),
  };
}

function withinTime(clock: App['clock'], work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(READ_MAX_MS, () => reject(new Error(`no answer within ${READ_MAX_MS} ms`)));
    work.then(resolve, reject).finally(cancel);
  });
}
