import type { App } from '../../app.ts';
import type { StoredFile } from '../../app/keeping.ts';
import type { FileParams } from '../../contract/files.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { fileAt } from './show.ts';

type Range = { readonly from: number; readonly to: number };

/** The bytes as they are, in pieces: no more of them are in memory than the caller takes at a time. */
export async function sendContent(app: App, exchange: Exchange<FileParams, unknown, undefined>): Promise<Reply> {
  const file = await fileAt(app, exchange);
  const range = askedRange(exchange.request.headers.get('range'), file);
  const pieces = app.files.read(file, range ?? undefined)[Symbol.asyncIterator]();
  // Read before the head goes out: a storage that is away has a status of its own.
  let next = await pieces.next();
  return {
    status: range === null ? 200 : 206,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename*=UTF-8''${encodeName(file.filename)}`,
      'accept-ranges': 'bytes',
      etag: `"${file.sha256}"`,
      ...(range === null ? {} : { 'content-range': `bytes ${range.from}-${range.to}/${file.bytes}` }),
    },
    async stream(sink) {
      try {
        for (; next.done !== true && !exchange.signal.aborted; next = await pieces.next()) await sink.write(next.value);
      } finally {
        await pieces.return?.();
      }
    },
  };
}

/** `bytes=0-99`, `bytes=100-`, `bytes=-100`. Any other wish may be left unheard, and the whole is sent (RFC 9110, 14.2). */
function askedRange(header: string | null, { bytes }: Pick<StoredFile, 'bytes'>): Range | null {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && (last === '' || Number(last) === 0)) return null;
  const from = first === '' ? Math.max(0, bytes - Number(last)) : Number(first);
  const to = first === '' || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1);
  return from <= to ? { from, to } : null;
}

/** What a header can hold of every name (RFC 8187). */
function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
