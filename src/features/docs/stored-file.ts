import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Exchange, Reply } from '../../http/route.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type Encoding = 'br' | 'gzip';

/** Bytes that are served often: compressed at most once for each encoding, and not sent to who has them. */
export type StoredFile = { readonly type: string; readonly hash: string; readonly bytes: (encoding: Encoding | null) => Promise<Bytes> };

// 9 instead of the highest, 11: a tenth more bytes, but 0.1 s instead of 2 s for the largest script.
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
const compressors: Record<Encoding, (bytes: Bytes) => Promise<Buffer>> = {
  br: (bytes) => promisify(brotliCompress)(bytes, BROTLI),
  gzip: (bytes) => promisify(gzip)(bytes),
};

export function storedFile(type: string, content: Uint8Array | string): StoredFile {
  const plain = new Uint8Array(Buffer.from(content));
  const compressed = new Map<Encoding, Promise<Bytes>>();
  return {
    type,
    hash: createHash('sha256').update(plain).digest('hex').slice(0, 16),
    bytes(encoding) {
      if (encoding === null) return Promise.resolve(plain);
      const known = compressed.get(encoding) ?? compressors[encoding](plain).then((bytes) => new Uint8Array(bytes));
      compressed.set(encoding, known);
      return known;
    },
  };
}

export async function fileReply({ request }: Pick<Exchange, 'request'>, file: StoredFile, headers: Record<string, string>): Promise<Reply> {
  // Weak, because the compressed forms are the same content in other bytes.
  const etag = `W/"${file.hash}"`;
  const own = { ...headers, etag, vary: 'accept-encoding, origin' };
  if (knows(request.headers.get('if-none-match'), etag)) return { status: 304, headers: own };
  const encoding = acceptedEncoding(request.headers.get('accept-encoding'));
  return {
    headers: { ...own, 'content-type': file.type, ...(encoding === null ? {} : { 'content-encoding': encoding }) },
    text: await file.bytes(encoding),
  };
}

function knows(ifNoneMatch: string | null, etag: string): boolean {
  const names = new Set((ifNoneMatch ?? '').split(',').map((name) => name.trim()));
  return names.has('*') || names.has(etag) || names.has(etag.slice('W/'.length));
}

/** The best encoding that the caller takes; null for the bytes as they are. */
export function acceptedEncoding(header: string | null): Encoding | null {
  const taken = new Map<string, boolean>();
  for (const part of (header ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((word) => word.trim());
    taken.set(name, !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)));
  }
  const takes = (name: Encoding): boolean => taken.get(name) ?? taken.get('*') ?? false;
  if (takes('br')) return 'br';
  return takes('gzip') ? 'gzip' : null;
}
