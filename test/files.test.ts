import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { startFakeS3 } from './fake-s3.ts';
import { call, type Sluice, signIn, startSluice, until } from './harness.ts';

/** /v1/files as OpenAI's own client uses it. */
let sluice: Sluice;
let key: string;
let client: OpenAI;
let stranger: OpenAI;

const MB = 1024 * 1024;
const FILE_BYTES_MAX = 512 * MB;

async function clientsOf({ url }: Sluice): Promise<{ key: string; own: OpenAI; other: OpenAI }> {
  const headers = await signIn(url);
  const keyIn = async (parts: object): Promise<string> =>
    (await call<{ key: string }>(`${url}/api/v1/keys`, { json: { name: 'files', ...parts }, headers })).json.key;
  const { json: project } = await call<{ id: string }>(`${url}/api/v1/projects`, { json: { name: 'Other' }, headers });
  const [own, other] = [await keyIn({}), await keyIn({ project_id: project.id })];
  const open = (apiKey: string): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
  return { key: own, own: open(own), other: open(other) };
}

beforeAll(async () => {
  sluice = await startSluice();
  ({ key, own: client, other: stranger } = await clientsOf(sluice));
});
afterAll(() => sluice.stop());

const upload = (text: string, name = 'a.jsonl', purpose: OpenAI.FilePurpose = 'user_data'): Promise<OpenAI.FileObject> =>
  toFile(Buffer.from(text), name).then((file) => client.files.create({ file, purpose }));
const stored = (): string[] =>
  existsSync(join(sluice.dataDir, 'files'))
    ? readdirSync(join(sluice.dataDir, 'files'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
    : [];
const incoming = (): string[] => (existsSync(join(sluice.dataDir, 'incoming')) ? readdirSync(join(sluice.dataDir, 'incoming')) : []);

async function failureOf(asked: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const failure: unknown = await asked.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (failure instanceof OpenAI.APIError) return failure;
  throw new Error(`not an APIError: ${String(failure)}`);
}

const walk = async (order: 'asc' | 'desc'): Promise<string[]> =>
  (await Array.fromAsync(client.files.list({ purpose: 'vision', limit: 2, order }))).map(({ id }) => id);
const page = async (query: string): Promise<object> => (await send(`/v1/files?${query}`, {})).json() as Promise<object>;

describe('the client of OpenAI', () => {
  test('uploads, sees, downloads and deletes a file with a name in any script', async () => {
    const text = '{"a":1}\n{"b":"ü"}\n';
    const file = await upload(text, 'übersicht 世界 "1".jsonl', 'batch');
    expect(file).toMatchObject({ object: 'file', bytes: Buffer.byteLength(text), filename: 'übersicht 世界 "1".jsonl', purpose: 'batch', status: 'processed' });
    expect(file.id).toStartWith('file-');
    expect(file.expires_at).toBe(file.created_at + 30 * 86_400);
    expect(await client.files.retrieve(file.id)).toEqual(file);
    const content = await client.files.content(file.id);
    expect(await content.text()).toBe(text);
    expect(content.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''%C3%BCbersicht%20%E4%B8%96%E7%95%8C%20%221%22.jsonl");
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true });
    expect((await failureOf(client.files.retrieve(file.id))).status).toBe(404);
    expect(stored()).toEqual([]);
  });

  test('may say when a file goes', async () => {
    const file = await client.files.create({
      file: await toFile(Buffer.from('x'), 'x'),
      purpose: 'user_data',
      expires_after: { anchor: 'created_at', seconds: 3600 },
    });
    expect(file.expires_at).toBe(file.created_at + 3600);
    expect((await upload('x')).expires_at).toBeNull();
    const refusal = await failureOf(
      client.files.create({ file: await toFile(Buffer.from('x'), 'x'), purpose: 'user_data', expires_after: { anchor: 'created_at', seconds: 60 } }),
    );
    expect([refusal.status, refusal.param]).toEqual([400, 'expires_after.seconds']);
  });

  test('walks through all pages, in both orders', async () => {
    const made = [];
    for (let count = 0; count < 5; count++) made.push((await upload(`${count}`, `${count}.txt`, 'vision')).id);
    expect((await walk('asc')).toSorted()).toEqual(made.toSorted());
    expect(await walk('desc')).toEqual((await walk('asc')).toReversed());
    const [first, second] = await walk('desc');
    expect(await page('purpose=vision&limit=2')).toMatchObject({ object: 'list', has_more: true, first_id: first, last_id: second });
    expect(await page('purpose=evals')).toEqual({ object: 'list', data: [], has_more: false, first_id: null, last_id: null });
  });

  test('of another project sees none of it', async () => {
    const file = await upload('mine');
    const failures = await Promise.all([
      failureOf(stranger.files.retrieve(file.id)),
      failureOf(stranger.files.content(file.id)),
      failureOf(stranger.files.delete(file.id)),
    ]);
    expect(failures.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect((await stranger.files.list()).data).toEqual([]);
    expect(await (await client.files.content(file.id)).text()).toBe('mine');
  });
});

const send = (path: string, init: RequestInit): Promise<Response> =>
  fetch(`${sluice.url}${path}`, { ...init, headers: { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) } });
const form = (...parts: (readonly [string, string | File])[]): FormData => {
  const data = new FormData();
  for (const [name, value] of parts) data.append(name, value);
  return data;
};
const PURPOSE = ['purpose', 'user_data'] as const;
const FILE = ['file', new File(['x'], 'x.txt')] as const;

/** With another boundary each time. */
const sendOnce = (text: string): Promise<Response> =>
  send('/v1/files', { method: 'POST', body: form(PURPOSE, ['file', new File([text], 'a.txt')]), headers: { 'idempotency-key': 'once' } });

describe('a form', () => {
  test.each([
    ['without a file', form(PURPOSE), 'file'],
    ['without a purpose', form(FILE), 'purpose'],
    ['with an unknown purpose', form(FILE, ['purpose', 'fun']), 'purpose'],
    ['with two files', form(FILE, PURPOSE, FILE), 'file'],
    ['with a purpose twice', form(PURPOSE, FILE, PURPOSE), 'purpose'],
    ['with another file', form(['image', new File(['x'], 'x.txt')], PURPOSE), 'image'],
    [
      'with a time that is no number',
      form(FILE, PURPOSE, ['expires_after[anchor]', 'created_at'], ['expires_after[seconds]', 'soon']),
      'expires_after.seconds',
    ],
    ['with a time of nothing', form(FILE, PURPOSE, ['expires_after[seconds]', '4000']), 'expires_after.anchor'],
    ['with a field of 100 KB', form(['purpose', 'x'.repeat(100_000)], FILE), 'purpose'],
  ])('%s is refused and leaves nothing', async (_what, body, param) => {
    const before = stored();
    const response = await send('/v1/files', { method: 'POST', body });
    expect([response.status, await response.json()]).toMatchObject([400, { error: { type: 'invalid_request_error', param } }]);
    expect(stored()).toEqual(before);
  });

  test.each([
    ['a broken body', 'multipart/form-data; boundary=b', '--b\r\nnonsense', 400],
    ['no boundary', 'multipart/form-data', '--b\r\n', 400],
    ['JSON', 'application/json', '{}', 415],
  ])('that is %s is refused', async (_what, type, body, status) => {
    const response = await send('/v1/files', { method: 'POST', body, headers: { 'content-type': type } });
    expect(response.status).toBe(status);
  });

  test('may have its file before its fields, and a name with a path', async () => {
    const response = await send('/v1/files', { method: 'POST', body: form(['file', new File(['x'], '../../etc/passwd')], PURPOSE) });
    expect([response.status, await response.json()]).toMatchObject([200, { filename: 'passwd', bytes: 1 }]);
  });

  test('is done once for each Idempotency-Key', async () => {
    const [first, again, other] = [await sendOnce('x'), await sendOnce('x'), await sendOnce('y')];
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.text()).toBe(await first.text());
    expect(other.status).toBe(400);
  });
});

test('a part of a file can be asked for', async () => {
  const { id } = await upload('0123456789');
  const partOf = async (range: string): Promise<readonly unknown[]> => {
    const response = await send(`/v1/files/${id}/content`, { headers: { range, accept: 'application/binary' } });
    return [response.status, response.headers.get('content-range'), await response.text()];
  };
  expect(await partOf('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234']);
  expect(await partOf('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789']);
  expect(await partOf('bytes=-2')).toEqual([206, 'bytes 8-9/10', '89']);
  for (const range of ['bytes=10-', 'bytes=-0', 'bytes=3-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=-'])
    expect(await partOf(range)).toEqual([200, null, '0123456789']);
});

/** Sends a form with a file of so many bytes, and stops in the midst where it is told to. */
async function sendLarge(bytes: number, { announced = bytes, stopAfter = Number.POSITIVE_INFINITY } = {}): Promise<string> {
  const { hostname, port } = new URL(sluice.url);
  const head =
    '--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="large"\r\n\r\n';
  const tail = '\r\n--b--\r\n';
  const socket = connect({ host: hostname, port: Number(port) });
  let answer = '';
  const answered = new Promise<string>((resolve) => {
    socket.on('data', (piece: Buffer) => {
      answer += piece.toString();
      if (answer.includes('\r\n\r\n') && answer.endsWith('}')) resolve(answer);
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', () => resolve(answer));
  });
  const write = (piece: string | Buffer): Promise<void> => new Promise((resolve) => void socket.write(piece, () => resolve()));
  await write(
    `POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: ${head.length + announced + tail.length}\r\n\r\n${head}`,
  );
  const piece = Buffer.alloc(MB, 'x');
  for (let sent = 0; sent < Math.min(bytes, stopAfter) && socket.writable; sent += MB) await write(piece.subarray(0, Math.min(MB, bytes - sent)));
  if (stopAfter < bytes) {
    socket.destroy();
    return answered;
  }
  if (socket.writable) await write(tail);
  const text = await answered;
  socket.destroy();
  return text;
}

/** What the process has in memory that is its own. */
function memory(): number {
  const status = readFileSync(`/proc/${sluice.pid}/status`, 'utf8');
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return (kb('RssAnon') + kb('VmSwap')) / 1024;
}

async function growthWhile(work: () => Promise<void>): Promise<number> {
  const before = memory();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, memory());
  }, 10);
  await work().finally(() => clearInterval(watch));
  return most - before;
}

describe('a large file', () => {
  const GROWTH_MAX_MB = 100;

  test('of 512 MB comes in and goes out byte for byte, and takes no memory', async () => {
    let id = '';
    const inward = await growthWhile(async () => {
      const answer = await sendLarge(FILE_BYTES_MAX);
      expect(answer).toStartWith('HTTP/1.1 200');
      ({ id } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { id: string });
    });
    const hash = new Bun.CryptoHasher('sha256');
    let bytes = 0;
    const outward = await growthWhile(async () => {
      for await (const piece of (await client.files.content(id)).body ?? []) {
        hash.update(piece);
        bytes += piece.length;
      }
    });
    expect(bytes).toBe(FILE_BYTES_MAX);
    const wanted = new Bun.CryptoHasher('sha256');
    for (let count = 0; count < 512; count++) wanted.update(Buffer.alloc(MB, 'x'));
    expect(hash.digest('hex')).toBe(wanted.digest('hex'));
    expect(inward).toBeLessThan(GROWTH_MAX_MB);
    expect(outward).toBeLessThan(GROWTH_MAX_MB);
    await client.files.delete(id);
  }, 120_000);

  test('of 16 MB goes out byte for byte to whoever takes it slowly', async () => {
    const content = crypto.getRandomValues(Buffer.alloc(65_536));
    const whole = Buffer.concat(Array.from({ length: 256 }, (_, index) => Buffer.concat([Buffer.from(`${index}`.padStart(8)), content.subarray(8)])));
    const { id } = await client.files.create({ file: new File([whole], 'varied'), purpose: 'user_data' });
    const pieces: Uint8Array[] = [];
    for await (const piece of (await send(`/v1/files/${id}/content`, { headers: { accept: 'application/binary' } })).body ?? []) {
      // As much waits in between as the system and the service hold for a reader.
      if (pieces.push(piece) % 20 === 1) await Bun.sleep(100);
    }
    expect(Buffer.concat(pieces).equals(whole)).toBe(true);
    await client.files.delete(id);
  }, 60_000);

  test('of one byte more is refused by its content and by its length, and leaves nothing', async () => {
    const before = stored();
    expect(await sendLarge(FILE_BYTES_MAX + 1)).toContain('The file is larger than 512 MB');
    expect(await sendLarge(MB, { announced: FILE_BYTES_MAX + MB })).toContain('413');
    expect([stored(), incoming()]).toEqual([before, []]);
  }, 120_000);

  test('whose caller leaves in the midst leaves nothing', async () => {
    const before = stored();
    await sendLarge(20 * MB, { stopAfter: 5 * MB });
    await until(() => incoming().length === 0);
    expect([stored(), incoming()]).toEqual([before, []]);
  });
});

test('files are in S3 where the settings name a bucket, and the service does not start where it cannot be asked', async () => {
  const s3 = startFakeS3();
  const env = { S3_BUCKET: 'bucket', S3_ENDPOINT: s3.url, S3_ACCESS_KEY_ID: 'key', S3_SECRET_ACCESS_KEY: 'secret secret' };
  const other = await startSluice({ env });
  const { own } = await clientsOf(other);
  const file = await own.files.create({ file: await toFile(Buffer.from('in S3'), 'a.txt'), purpose: 'user_data' });
  expect([...s3.objects.keys()]).toEqual([`bucket/files/${file.id}`]);
  expect(await (await own.files.content(file.id)).text()).toBe('in S3');
  s3.mode = 'fail';
  expect((await failureOf(own.files.content(file.id))).status).toBe(502);
  s3.mode = 'ok';
  await own.files.delete(file.id);
  expect(s3.objects.size).toBe(0);
  await other.stop();
  s3.mode = 'fail';
  const refusal: unknown = await startSluice({ env }).catch((cause: unknown) => cause);
  expect(String(refusal)).toContain('S3_BUCKET');
  s3.stop();
}, 60_000);
