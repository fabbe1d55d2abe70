import { type Kysely, sql } from 'kysely';
import type { FirstIds, GivenAnswer } from '../../http/idempotency.ts';
import type { KeyPlace } from '../../http/idempotency/key.ts';
import type { ProjectDatabase } from '../../tables.ts';

/** What was asked and answered under an Idempotency-Key. A row without a status is worked on by the process that it names, or by nobody. */
export type Db = Kysely<ProjectDatabase>;

export type Claiming = {
  readonly place: KeyPlace;
  readonly fingerprint: string;
  readonly processId: string;
  readonly first: FirstIds;
  readonly nowMs: number;
  readonly keptMs: number;
};

/**
 * The ids to work under, or null where the key is somebody else's. A row that has expired begins anew. One whose process is buried, or that is
 * ours though we do not work on it, is taken over with its ids.
 */
export async function claimKey(db: Db, { place, fingerprint, processId, first, nowMs, keptMs }: Claiming): Promise<FirstIds | null> {
  const now = new Date(nowMs);
  const expires = new Date(nowMs + keptMs);
  const { rows } = await sql<{ root_id: string; created_at: Date }>`
    insert into idempotency_keys as k (project_id, caller, method, path, key, fingerprint, process_id, root_id, created_at, expires_at)
    values (${place.projectId}, ${place.caller}, ${place.method}, ${place.path}, ${place.key}, ${fingerprint}, ${processId}, ${first.rootId},
      ${new Date(first.at)}, ${expires})
    on conflict (project_id, caller, method, path, key) do update set
      root_id = case when k.expires_at <= ${now} then excluded.root_id else k.root_id end,
      created_at = case when k.expires_at <= ${now} then excluded.created_at else k.created_at end,
      expires_at = case when k.expires_at <= ${now} then excluded.expires_at else k.expires_at end,
      fingerprint = excluded.fingerprint, process_id = excluded.process_id, status = null, headers = null, body = null, cut = false
    where k.expires_at <= ${now}
      or (k.status is null and k.fingerprint = excluded.fingerprint
        and (k.process_id is null or k.process_id = excluded.process_id or not exists (select from processes p where p.id = k.process_id)))
    returning root_id, created_at`.execute(db);
  const [row] = rows;
  return row ? { rootId: row.root_id, at: row.created_at.getTime() } : null;
}

export type StoredAnswer = Omit<GivenAnswer, 'body'> & { readonly body: Buffer | null };
export type StoredKey = { readonly fingerprint: string; readonly answer: StoredAnswer | null };

/** Null where there is no such row any more. */
export async function findKey(db: Db, place: KeyPlace): Promise<StoredKey | null> {
  const row = await db
    .selectFrom('idempotency_keys')
    .select(['fingerprint', 'status', 'headers', 'body', 'cut'])
    .where((where) => where.and(columnsOf(place)))
    .executeTakeFirst();
  if (!row) return null;
  const { fingerprint, status, headers, body, cut } = row;
  return { fingerprint, answer: status === null ? null : { status, headers: headers ?? {}, body, cut } };
}

/** Which run a row must still belong to. */
export type Holder = { readonly place: KeyPlace; readonly processId: string; readonly rootId: string };

/** False where the row is not ours any more. */
export async function storeAnswer(db: Db, holder: Holder, { status, headers, body, cut }: StoredAnswer): Promise<boolean> {
  const result = await db
    .updateTable('idempotency_keys')
    .set({ process_id: null, status, headers: JSON.stringify(headers), body, cut })
    .where((where) => where.and(heldBy(holder)))
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export async function removeKey(db: Db, holder: Holder): Promise<void> {
  await db
    .deleteFrom('idempotency_keys')
    .where((where) => where.and(heldBy(holder)))
    .execute();
}

/** Whoever comes next takes it over with its ids. */
export async function releaseKey(db: Db, holder: Holder): Promise<void> {
  await db
    .updateTable('idempotency_keys')
    .set({ process_id: null })
    .where((where) => where.and(heldBy(holder)))
    .execute();
}

const EXPIRED_AT_ONCE = 1000;

/** In pieces, so that no statement takes long. */
export async function removeExpired(db: Db, nowMs: number): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from idempotency_keys where ctid = any (array(
        select ctid from idempotency_keys where expires_at <= ${new Date(nowMs)} limit ${EXPIRED_AT_ONCE}))`.execute(db);
    if (numAffectedRows < BigInt(EXPIRED_AT_ONCE)) return;
  }
}

function columnsOf({ projectId, caller, method, path, key }: KeyPlace) {
  return { project_id: projectId, caller, method, path, key };
}

function heldBy({ place, processId, rootId }: Holder) {
  return { ...columnsOf(place), process_id: processId, root_id: rootId };
}
