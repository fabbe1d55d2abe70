import { type Kysely, sql } from 'kysely';
import type { FilesAsked, StoredFile } from '../../app/keeping.ts';
import type { Database, ProjectDatabase } from '../../tables.ts';

/** What files there are, and which blobs have none. Every statement names the project, whether row-level security looks or not. */
type Db = Kysely<ProjectDatabase>;

/** Before its first byte: what died over it is swept after this time. */
export async function beginBlob(db: Kysely<Database>, id: string, sweepAfterS: number): Promise<void> {
  await db
    .insertInto('unkept_blobs')
    .values({ id, remove_at: sql`now() + make_interval(secs => ${sweepAfterS})` })
    .execute();
}

/** In one transaction the file is there and its blob is nobody's to sweep. False where it was swept already. */
export async function insertFile(db: Db, file: StoredFile): Promise<boolean> {
  const taken = await db.deleteFrom('unkept_blobs').where('id', '=', file.id).executeTakeFirst();
  if (taken.numDeletedRows !== 1n) return false;
  await db
    .insertInto('files')
    .values({
      id: file.id,
      project_id: file.projectId,
      purpose: file.purpose,
      filename: file.filename,
      bytes: file.bytes,
      sha256: file.sha256,
      created_at: new Date(file.createdAt),
      expires_at: file.expiresAt === null ? null : new Date(file.expiresAt),
    })
    .execute();
  return true;
}

/** None that has expired. */
export async function findFile(db: Db, projectId: string, id: string, now: Date): Promise<StoredFile | null> {
  const row = await there(db, projectId, now).where('id', '=', id).executeTakeFirst();
  return row ? storedFile(row) : null;
}

export async function listFiles(db: Db, projectId: string, { purpose, after, order, rowsMax }: FilesAsked, now: Date): Promise<readonly StoredFile[]> {
  let query = there(db, projectId, now);
  if (purpose !== undefined) query = query.where('purpose', '=', purpose);
  if (after !== undefined) query = query.where('id', order === 'asc' ? '>' : '<', after);
  const rows = await query.orderBy('id', order).limit(rowsMax).execute();
  return rows.map(storedFile);
}

function there(db: Db, projectId: string, now: Date) {
  return db
    .selectFrom('files')
    .select(['id', 'project_id', 'purpose', 'filename', 'bytes', 'sha256', 'created_at', 'expires_at'])
    .where('project_id', '=', projectId)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]));
}

function storedFile(row: Awaited<ReturnType<ReturnType<typeof there>['execute']>>[number]): StoredFile {
  return {
    id: row.id,
    projectId: row.project_id,
    purpose: row.purpose,
    filename: row.filename,
    bytes: row.bytes,
    sha256: row.sha256,
    createdAt: row.created_at.getTime(),
    expiresAt: row.expires_at?.getTime() ?? null,
  };
}

/** Its blob is to go from now on: a trigger writes that down. */
export async function deleteFile(db: Db, projectId: string, id: string): Promise<boolean> {
  const result = await db.deleteFrom('files').where('project_id', '=', projectId).where('id', '=', id).executeTakeFirst();
  return result.numDeletedRows === 1n;
}

const AT_ONCE = 1000;

/** In pieces, so that no statement takes long. */
export async function deleteExpiredFiles(db: Db, now: Date): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from files where id = any (array(select id from files where expires_at <= ${now} limit ${AT_ONCE}))`.execute(db);
    if (numAffectedRows < BigInt(AT_ONCE)) return;
  }
}

/** Some of the blobs that are to go. */
export async function dueBlobs(db: Kysely<Database>): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('unkept_blobs')
    .select('id')
    .where('remove_at', '<=', sql<Date>`now()`)
    .orderBy('remove_at')
    .limit(AT_ONCE)
    .execute();
  return rows.map(({ id }) => id);
}

export async function blobIsGone(db: Kysely<Database>, id: string): Promise<void> {
  await db.deleteFrom('unkept_blobs').where('id', '=', id).execute();
}

/** It could not be removed: not before an hour again, so that it stands in the way of no other one. */
export async function putOffBlob(db: Kysely<Database>, id: string): Promise<void> {
  await db
    .updateTable('unkept_blobs')
    .set({ remove_at: sql`now() + interval '1 hour'` })
    .where('id', '=', id)
    .execute();
}
