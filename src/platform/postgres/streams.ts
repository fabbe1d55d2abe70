import { type Kysely, sql } from 'kysely';
import { type App, EVERY_PROJECT } from '../../app.ts';
import type { StreamHead, Streams } from '../../app/keeping.ts';
import type { Cancellation } from '../../core/cancellation.ts';
import { orAborted } from '../../core/or-aborted.ts';
import type { ProjectDatabase } from '../../tables.ts';
import { every } from '../../core/every.ts';

type Needs = Pick<App, 'inProject' | 'clock' | 'log'>;
type Db = Kysely<ProjectDatabase>;
type Place = Pick<StreamHead, 'id' | 'projectId'>;

/** Events wait so long for others to be written with: what a reader on another process is behind, and what is lost when this one dies. */
const GATHER_MS = 100;
/** How often a process says that it works on its streams, and how long it is believed. */
const SIGN_MS = 1000;
const ALIVE_S = 4;
/** How often a reader looks for what another process wrote. */
const LOOK_MS = 100;
/** How long a stream can be taken up after its end. */
const KEPT_MS = 10 * 60_000;
/** How often its end is tried to be written while the database is away. */
const END_TRIES = 60;

/** How long the ends of the last streams are waited for. */
const CLOSE_MAX_MS = 2000;

export type OpenStreams = Streams & { readonly close: () => Promise<void> };

/** A stream that is made here. Whoever reads it in this process takes its events from memory. */
type Live = Place & {
  readonly events: string[];
  written: number;
  isOver: boolean;
  readonly listeners: Set<() => void>;
  readonly cancel: () => void;
};

/**
 * Keeps the events of streams, so that a caller whose connection broke, or whose process died, takes up where it was. Whoever reads, the first
 * caller too, reads the record; who makes it does not know who reads.
 */
export function createStreams(needs: Needs): OpenStreams {
  const { clock, inProject } = needs;
  const live = new Map<string, Live>();
  const kept = new Set<Promise<void>>();
  const stopSigning = every(clock, SIGN_MS, async () => {
    for (const stream of live.values()) await sign(needs, stream);
  });

  return {
    async close() {
      await Promise.race([Promise.all(kept), clock.sleep(CLOSE_MAX_MS)]);
      await stopSigning();
    },
    async record(head, produce, cancel) {
      await inProject(head.projectId, (db) => insertStream(db, head, new Date(clock.now() + KEPT_MS)));
      const stream: Live = { id: head.id, projectId: head.projectId, events: [], written: 0, isOver: false, listeners: new Set(), cancel };
      live.set(head.id, stream);
      const keeping = keep(needs, stream, produce).finally(() => {
        live.delete(head.id);
        kept.delete(keeping);
      });
      kept.add(keeping);
    },
    async find(id, projectId, caller) {
      const row = await inProject(projectId, (db) => findStream(db, id, caller));
      return row && row.expires_at.getTime() > clock.now() ? { surface: row.surface, requestId: row.request_id } : null;
    },
    follow(place, after, signal) {
      const stream = live.get(place.id);
      return stream ? followHere(stream, after, signal) : followElsewhere(needs, { ...place, signal }, after);
    },
    async cancel({ id, projectId }) {
      live.get(id)?.cancel();
      await inProject(projectId, (db) => db.updateTable('streams').set({ cancelled: true }).where('id', '=', id).execute());
    },
  };
}

/** What nobody can take up any more goes, with its events. */
export async function purgeStreams({ inProject, clock }: Pick<App, 'inProject' | 'clock'>): Promise<void> {
  await inProject(EVERY_PROJECT, (db) => db.deleteFrom('streams').where('expires_at', '<=', new Date(clock.now())).execute());
}

/** Writes down what comes, to its end. */
async function keep(needs: Needs, stream: Live, produce: Parameters<Streams['record']>[1]): Promise<void> {
  let writing = null as Promise<void> | null;
  const writeSoon = (): void => {
    writing ??= needs.clock
      .sleep(GATHER_MS)
      .then(() => write(needs, stream))
      .catch((cause: unknown) => needs.log.warning('events of a stream could not be kept yet', { stream: stream.id, reason: String(cause) }))
      .finally(() => {
        writing = null;
      });
  };
  await produce((events) => {
    stream.events.push(...events);
    tell(stream);
    writeSoon();
  });
  stream.isOver = true;
  tell(stream);
  await writing;
  await writeEnd(needs, stream);
}

function tell({ listeners }: Live): void {
  for (const listener of listeners) listener();
}

async function write(needs: Needs, stream: Live): Promise<void> {
  const events = stream.events.slice(stream.written);
  if (events.length === 0) return;
  const last = stream.written + events.length;
  await needs.inProject(stream.projectId, (db) =>
    db.insertInto('stream_events').values({ stream_id: stream.id, project_id: stream.projectId, last_number: last, events }).execute(),
  );
  stream.written = last;
}

/** A database that is away is waited for: the end is what readers elsewhere need most. */
async function writeEnd(needs: Needs, stream: Live): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await write(needs, stream);
      const set = { alive_until: null, expires_at: new Date(needs.clock.now() + KEPT_MS) };
      await needs.inProject(stream.projectId, (db) => db.updateTable('streams').set(set).where('id', '=', stream.id).execute());
      return;
    } catch (cause) {
      if (tries < END_TRIES) await needs.clock.sleep(SIGN_MS);
      else {
        needs.log.warning('the end of a stream could not be kept', { stream: stream.id, reason: String(cause) });
        return;
      }
    }
  }
}

/** Says that somebody works on it, and hears whether it was cancelled elsewhere. */
async function sign(needs: Needs, stream: Live): Promise<void> {
  try {
    const signed = await needs.inProject(stream.projectId, (db) =>
      db
        .updateTable('streams')
        .set({ alive_until: aliveUntil(), expires_at: new Date(needs.clock.now() + KEPT_MS) })
        .where('id', '=', stream.id)
        .where('alive_until', 'is not', null)
        .returning('cancelled')
        .executeTakeFirst(),
    );
    if (signed?.cancelled) stream.cancel();
  } catch {
    // The database is away; the next sign is in a second.
  }
}

async function* followHere(stream: Live, after: number, signal: Cancellation): AsyncGenerator<readonly string[]> {
  let next = after;
  for (;;) {
    // Asked before the look: what comes in between is seen in the next round.
    const { isOver } = stream;
    if (next < stream.events.length) {
      const events = stream.events.slice(next);
      next += events.length;
      yield events;
    } else if (isOver) return;
    else await orAborted(change(stream), signal);
  }
}

function change(stream: Live): Promise<void> {
  return new Promise((resolve) => {
    const heard = (): void => {
      stream.listeners.delete(heard);
      resolve();
    };
    stream.listeners.add(heard);
  });
}

/** What another process writes, or wrote. */
async function* followElsewhere(
  needs: Needs,
  { id, projectId, signal }: Place & { readonly signal: Cancellation },
  after: number,
): AsyncGenerator<readonly string[]> {
  let next = after;
  for (;;) {
    const { state, groups } = await needs.inProject(projectId, async (db) => {
      // The state first: what was written before it was read is then seen.
      const read = await stateOf(db, id);
      return { state: read, groups: await groupsAfter(db, id, next) };
    });
    for (const { last_number: last, events } of groups) {
      yield events.slice(next - (last - events.length));
      next = last;
    }
    if (state === undefined || state.over) return;
    if (!state.alive) throw new Error('the process that made the stream is gone');
    await needs.clock.sleep(LOOK_MS, signal);
  }
}

/** By the clock of the database, which is the same for all processes. */
function aliveUntil() {
  return sql<Date>`now() + make_interval(secs => ${ALIVE_S})`;
}

async function insertStream(db: Db, { id, projectId, caller, surface, requestId }: StreamHead, expiresAt: Date): Promise<void> {
  const row = { id, project_id: projectId, caller, surface, request_id: requestId, expires_at: expiresAt };
  await db
    .insertInto('streams')
    .values({ ...row, alive_until: aliveUntil() })
    .execute();
}

function findStream(db: Db, id: string, caller: string) {
  return db.selectFrom('streams').select(['surface', 'request_id', 'expires_at']).where('id', '=', id).where('caller', '=', caller).executeTakeFirst();
}

function stateOf(db: Db, id: string): Promise<{ over: boolean; alive: boolean } | undefined> {
  const over = sql<boolean>`alive_until is null`.as('over');
  const alive = sql<boolean>`alive_until > now()`.as('alive');
  return db.selectFrom('streams').select([over, alive]).where('id', '=', id).executeTakeFirst();
}

function groupsAfter(db: Db, id: string, after: number): Promise<{ last_number: number; events: string[] }[]> {
  const groups = db.selectFrom('stream_events').select(['last_number', 'events']);
  return groups.where('stream_id', '=', id).where('last_number', '>', after).orderBy('last_number').execute();
}
