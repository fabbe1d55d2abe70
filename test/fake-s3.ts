/** Storage that speaks like S3, in memory: what our files need of it, and nothing more. */
export type FakeS3 = {
  readonly url: string;
  /** By their names in the bucket. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** Uploads in parts that were begun and neither completed nor called off. */
  readonly open: () => number;
  /** What the next answers are: `fail` is 500, `cut` the half of what was asked for. */
  mode: 'ok' | 'fail' | 'cut';
  readonly stop: () => void;
};

const xml = (text: string, status = 200): Response => new Response(`<?xml version="1.0"?>${text}`, { status, headers: { 'content-type': 'application/xml' } });

export function startFakeS3(): FakeS3 {
  const objects = new Map<string, Uint8Array>();
  const uploads = new Map<string, Map<number, Uint8Array>>();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const url = new URL(request.url);
      const name = url.pathname.slice(1);
      const uploadId = url.searchParams.get('uploadId');
      if (!(request.headers.get('authorization') ?? '').startsWith('AWS4-HMAC-SHA256 Credential=')) return xml('<Error><Code>AccessDenied</Code></Error>', 403);
      if (fake.mode === 'fail') return xml('<Error><Code>InternalError</Code><Message>out of order</Message></Error>', 500);
      if (request.method === 'POST' && url.searchParams.has('uploads')) {
        const id = crypto.randomUUID();
        uploads.set(id, new Map());
        return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
      }
      if (request.method === 'PUT') {
        const content = await request.bytes();
        if (uploadId === null) objects.set(name, content);
        else uploads.get(uploadId)?.set(Number(url.searchParams.get('partNumber')), content);
        return new Response(null, { headers: { etag: `"${content.length}"` } });
      }
      if (request.method === 'POST' && uploadId !== null) {
        await request.text();
        const parts = [...(uploads.get(uploadId) ?? [])].toSorted(([a], [b]) => a - b);
        uploads.delete(uploadId);
        objects.set(name, Buffer.concat(parts.map(([, part]) => part)));
        return xml('<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>');
      }
      if (request.method === 'DELETE') {
        if (uploadId === null) objects.delete(name);
        else uploads.delete(uploadId);
        return new Response(null, { status: 204 });
      }
      return answerWith(objects.get(name), request, fake.mode);
    },
  });
  const fake: FakeS3 = {
    url: `http://127.0.0.1:${server.port}`,
    objects,
    open: () => uploads.size,
    mode: 'ok',
    stop: () => void server.stop(true),
  };
  return fake;
}

function answerWith(content: Uint8Array | undefined, request: Request, mode: FakeS3['mode']): Response {
  if (content === undefined) return xml('<Error><Code>NoSuchKey</Code></Error>', 404);
  const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get('range') ?? '') ?? [];
  const wanted = content.slice(Number(from), to === '' ? undefined : Number(to) + 1);
  return new Response(mode === 'cut' ? wanted.slice(0, wanted.length / 2) : wanted, { status: request.headers.has('range') ? 206 : 200 });
}
