import type { HttpRequest } from './connection.ts';
import { json, refused, type Reply } from './reply.ts';
import { pageOf, type Store, type StoredFile } from './store.ts';

/** `/v1/files…`. */
export async function filesReply(request: HttpRequest, store: Store): Promise<Reply> {
  const [, , , id, part] = request.path.split('/');
  if (id === undefined) return request.method === 'POST' ? upload(request, store) : list(request, store);
  const file = store.files.get(id);
  if (file === undefined) return refused('openai', 404, `No such File object: ${id}`, 'id');
  if (request.method === 'DELETE') {
    store.files.delete(id);
    return json({ id, object: 'file', deleted: true });
  }
  return part === 'content' ? { kind: 'whole', status: 200, type: 'application/octet-stream', body: file.bytes } : json(fileObject(file));
}

async function upload(request: HttpRequest, store: Store): Promise<Reply> {
  const form = await new Response(new Uint8Array(request.body), { headers: { 'content-type': request.headers['content-type'] ?? '' } })
    .formData()
    .catch(() => null);
  const file = form?.get('file');
  const purpose = form?.get('purpose');
  if (!(file instanceof File)) return refused('openai', 400, "'file' is a required property", 'file');
  if (typeof purpose !== 'string') return refused('openai', 400, "'purpose' is a required property", 'purpose');
  return json(fileObject(keepFile(store, { filename: file.name, purpose, bytes: await file.bytes() })));
}

export function keepFile(store: Store, file: Pick<StoredFile, 'filename' | 'purpose' | 'bytes'>): StoredFile {
  const stored = { ...file, id: `file-fake-${store.nextId()}`, createdAt: Math.floor(Date.now() / 1000) };
  store.files.set(stored.id, stored);
  return stored;
}

function list(request: HttpRequest, store: Store): Reply {
  const purpose = request.query.get('purpose');
  const files = [...store.files.values()].filter((file) => purpose === null || file.purpose === purpose).toReversed();
  const { page, hasMore } = pageOf(files, request.query, 'after');
  return json({ object: 'list', data: page.map(fileObject), first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null, has_more: hasMore });
}

function fileObject(file: StoredFile): unknown {
  return {
    id: file.id,
    object: 'file',
    bytes: file.bytes.byteLength,
    created_at: file.createdAt,
    expires_at: null,
    filename: file.filename,
    purpose: file.purpose,
    status: 'processed',
    status_details: null,
  };
}
