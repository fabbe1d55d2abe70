import type { App } from '../app.ts';
import type { Bodies, Said } from '../app/keeping.ts';
import { createRedact, type Redact, redactValue } from '../core/redaction.ts';
import { codeOf, messageOf } from './postgres/database-start-error.ts';
import type { BodyRow } from './postgres/body-store.ts';

type Needs = Pick<App, 'config' | 'clock' | 'log'> & { readonly write: (rows: readonly BodyRow[]) => Promise<void> };
export type OpenBodies = Bodies & {
  /** Writes what waits, and says whether it could. */
  readonly close: () => Promise<boolean>;
};

const GATHER_MS = 250;
const AGAIN_MS = 5000;
const ROWS_AT_ONCE = 50;
/** What is looked through without letting others have a turn. */
const CHARS_A_TURN = 20_000;
/** With the database away, or slower than what is said, this much waits and the rest is not kept: bodies are worth less than the memory of the process. */
const WAITING_CHARS_MAX = 32_000_000;
const WAITING_MAX = 10_000;

/** What Postgres says of the data itself, which no second try makes better. */
const BAD_DATA = /^(?:2[23]|54)/;

/** Keeps what was said, a moment after the calls are over: nothing but a push onto a list happens while a caller waits. */
export function createBodies(needs: Needs): OpenBodies {
  const { clock, log } = needs;
  const redactNow = redactions(needs);
  const waiting = createWaiting();
  let timer: (() => void) | null = null;
  let writing: Promise<boolean> | null = null;

  const later = (ms: number): void => {
    timer ??= clock.after(ms, () => {
      timer = null;
      void flush();
    });
  };
  const flush = (): Promise<boolean> => {
    writing ??= writeAll().finally(() => {
      writing = null;
    });
    return writing;
  };
  const writeAll = async (): Promise<boolean> => {
    for (let batch = waiting.first(); batch.length > 0; batch = waiting.first()) {
      try {
        await needs.write(await rowsOf(batch, redactNow(), clock));
      } catch (cause) {
        const isBad = BAD_DATA.test(codeOf(cause));
        log.warning(`bodies of calls could not be kept${isBad ? '' : ' and are tried again'}`, { count: batch.length, reason: messageOf(cause) });
        if (!isBad) {
          later(AGAIN_MS);
          return false;
        }
      }
      waiting.drop(batch.length);
      const missed = waiting.missed();
      if (missed > 0) log.warning('bodies of calls were not kept, because too many waited for the database', { count: missed });
    }
    return true;
  };

  return {
    keep(said) {
      if (isWanted(needs, said) && waiting.add(said)) later(GATHER_MS);
    },
    async close() {
      timer?.();
      timer = null;
      return flush();
    },
  };
}

type Waiting = {
  /** Says whether there was room. */
  readonly add: (said: Said) => boolean;
  readonly first: () => readonly Said[];
  readonly drop: (count: number) => void;
  /** How many had no room since this was last asked. */
  readonly missed: () => number;
};

function createWaiting(): Waiting {
  const entries: { readonly said: Said; readonly chars: number }[] = [];
  let chars = 0;
  let missed = 0;
  return {
    add(said) {
      const entry = { said, chars: charsOf(said) };
      const hasRoom = entries.length < WAITING_MAX && chars + entry.chars <= WAITING_CHARS_MAX;
      if (hasRoom) {
        entries.push(entry);
        chars += entry.chars;
      } else missed++;
      return hasRoom;
    },
    first: () => entries.slice(0, ROWS_AT_ONCE).map(({ said }) => said),
    drop(count) {
      for (const entry of entries.splice(0, count)) chars -= entry.chars;
    },
    missed() {
      const count = missed;
      missed = 0;
      return count;
    },
  };
}

function isWanted({ config }: Pick<Needs, 'config'>, { outcome }: Said): boolean {
  const keep = config().file.privacy.keep_bodies;
  return keep === 'all' || (keep === 'errors' && outcome !== 'ok' && outcome !== 'left');
}

/** The patterns of the configuration in force, laid out once for each. */
function redactions({ config }: Pick<Needs, 'config'>): () => Redact {
  let made: { readonly version: number; readonly redact: Redact } | null = null;
  return () => {
    const { version, file } = config();
    if (made?.version !== version) made = { version, redact: createRedact(file.privacy.redact) };
    return made.redact;
  };
}

async function rowsOf(batch: readonly Said[], redact: Redact, clock: Needs['clock']): Promise<BodyRow[]> {
  const rows: BodyRow[] = [];
  let chars = 0;
  for (const said of batch) {
    const { id, atMs, projectId, request, answer } = said;
    const response = answer === null ? null : JSON.stringify(redactValue(answer, redact));
    rows.push({ id, at: new Date(atMs), project_id: projectId, request: JSON.stringify(redactValue(request, redact)), response });
    chars += charsOf(said);
    if (chars < CHARS_A_TURN) continue;
    chars = 0;
    await clock.sleep(0);
  }
  return rows;
}

function charsOf({ request, answer }: Said): number {
  return countChars(request) + countChars(answer);
}

function countChars(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, part) => sum + countChars(part), 1);
}
