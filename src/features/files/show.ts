import type { App } from '../../app.ts';
import type { StoredFile } from '../../app/keeping.ts';
import { AppError } from '../../contract/errors.ts';
import { FILES_LIMIT, type FileObject, type FileParams, type FilesQuery } from '../../contract/files.ts';
import { isId } from '../../contract/paging.ts';
import type { Exchange, Reply } from '../../http/route.ts';

type OfOne = Exchange<FileParams, unknown, undefined>;

/** In the words of OpenAI's clients. */
export function fileObject({ id, bytes, createdAt, expiresAt, filename, purpose }: StoredFile): FileObject {
  const object = { id, object: 'file', bytes, created_at: seconds(createdAt), expires_at: expiresAt === null ? null : seconds(expiresAt) } as const;
  return { ...object, filename, purpose, status: 'processed', status_details: null };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

export async function showFile(app: App, exchange: OfOne): Promise<Reply> {
  return { json: fileObject(await fileAt(app, exchange)) };
}

export async function listFiles(app: App, { principal, query }: Exchange<undefined, FilesQuery, undefined>): Promise<Reply> {
  const { purpose, after, order = 'desc', limit = FILES_LIMIT } = query;
  for (const [field, text] of Object.entries({ purpose, after })) {
    if (text !== undefined && !isId(text)) throw new AppError('INVALID_VALUE', { field, message: `${field} must be letters, digits, - and _` });
  }
  const rows = await app.files.list(principal.projectId, { purpose, after, order, rowsMax: limit + 1 });
  const data = rows.slice(0, limit).map(fileObject);
  return { json: { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: rows.length > limit } };
}

export async function removeFile(app: App, { principal, params }: OfOne): Promise<Reply> {
  const { id } = params;
  if (!isId(id) || !(await app.files.remove(principal.projectId, id))) throw noFile(id);
  return { json: { id, object: 'file', deleted: true } };
}

export async function fileAt(app: Pick<App, 'files'>, { principal, params }: OfOne): Promise<StoredFile> {
  const found = isId(params.id) ? await app.files.find(principal.projectId, params.id) : null;
  if (found === null) throw noFile(params.id);
  return found;
}

function noFile(id: string): AppError {
  return new AppError('NOT_FOUND', { message: `No such File object: ${id.slice(0, 200)}`, field: 'id' });
}
