import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFakeS3 } from '../../test/fake-s3.ts';
import { manualClock } from '../../test/manual-clock.ts';
import { AppError } from '../contract/errors.ts';
import type { Blobs } from './blobs/blobs.ts';
import { diskBlobs } from './blobs/disk.ts';
import { openBlobs } from './blobs/open.ts';
import { createFiles, type OpenFiles } from './files.ts';
import { idMaker } from './ids.ts';
import { createInProject } from './postgres/in-project.ts';
import { ownDatabase, quiet } from './postgres/own-database.test.ts';

const open = ownDatabase();
const s3 = startFakeS3();
const clock = manualClock(Date.now());
const NOTE = { filename: 'a.txt', purpose: 'batch', expiresAt: null };

beforeAll(async () => {
  await open.pool.query(`insert into projects (id, name) values ('proj_a', 'A'), ('proj_b', 'B')`);
});
afterAll(() => s3.stop());

async function* pieces(...texts: readonly (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await Promise.resolve();
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}
async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(content)).toString();
}
const put = (files: OpenFiles, content: AsyncIterable<Uint8Array>, projectId = 'proj_a'): ReturnType<OpenFiles['put']> =>
  files.put(projectId, content, { describe: () => NOTE });
const unkept = async (): Promise<number> => (await open.pool.query('select from unkept_blobs')).rowCount ?? 0;
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (cause: unknown) => cause,
  );

const S3 = { s3Bucket: 'bucket', s3Endpoint: s3.url, s3Region: 'us-east-1', s3AccessKeyId: 'key', s3SecretAccessKey: 'secret' };
type Storage = { readonly name: string; readonly open: () => Promise<Blobs>; readonly kept: () => readonly string[] };
const folder = (): string => join(open.dataDir, 'files');
const STORAGES: readonly Storage[] = [
  {
    name: 'on disk',
    open: () => openBlobs({ ...S3, s3Bucket: null }, open.dataDir),
    kept: () =>
      readdirSync(folder(), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name),
  },
  { name: 'in S3', open: () => openBlobs(S3, open.dataDir), kept: () => [...s3.objects.keys()].map((name) => name.replace('bucket/files/', '')) },
];

describe.each(STORAGES)('files $name', (storage) => {
  let files: OpenFiles;
  let blobs: Blobs;
  beforeEach(async () => {
    s3.mode = 'ok';
    blobs = await storage.open();
    files = createFiles({ db: open.db, inProject: createInProject(open.db), clock, newId: idMaker(clock.now), log: quiet, blobs });
    await open.pool.query('delete from files');
    await files.purge();
    expect([storage.kept(), await unkept()]).toEqual([[], 0]);
  });

  test('are kept whole, found by their project alone, and read as they came', async () => {
    const file = await put(files, pieces('hello ', '', 'world'));
    expect(file).toMatchObject({ ...NOTE, projectId: 'proj_a', bytes: 11, createdAt: clock.now() });
    expect(file.id).toStartWith('file-');
    expect(file.sha256).toBe('b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9');
    expect(await files.find('proj_a', file.id)).toEqual(file);
    expect(await files.find('proj_b', file.id)).toBeNull();
    expect(await textOf(files.read(file))).toBe('hello world');
    expect(await textOf(files.read(file, { from: 6 }))).toBe('world');
    expect(await textOf(files.read(file, { from: 0, to: 4 }))).toBe('hello');
    expect(storage.kept()).toEqual([file.id]);
    expect(await unkept()).toBe(0);
  });

  test('may be empty', async () => {
    const file = await put(files, pieces());
    expect(file.bytes).toBe(0);
    expect(await textOf(files.read(file))).toBe('');
  });

  test('larger than a part come back byte for byte', async () => {
    const piece = 'x'.repeat(1_000_000);
    const file = await put(files, pieces(...Array.from({ length: 12 }, (_, index) => `${index}${piece}`)));
    const hash = new Bun.CryptoHasher('sha256');
    for await (const bytes of files.read(file)) hash.update(bytes);
    expect(hash.digest('hex')).toBe(file.sha256);
  });

  test('leave nothing behind that did not come whole, or that nobody could describe, or whose transaction failed', async () => {
    const cut = new AppError('PAYLOAD_TOO_LARGE');
    const large = 'x'.repeat(7_000_000);
    expect(await failureOf(put(files, pieces('some', cut)))).toBe(cut);
    expect(await failureOf(put(files, pieces(large, large, cut)))).toBe(cut);
    expect(await failureOf(files.put('proj_a', pieces('all'), { describe: () => Promise.reject(cut) }))).toBe(cut);
    expect([storage.kept(), await unkept(), s3.open()]).toEqual([[], 0, 0]);
    // Whether a transaction took effect can be unknown: its blob waits for the sweep.
    expect(await failureOf(files.put('proj_a', pieces('all'), { describe: () => NOTE, within: () => Promise.reject(cut) }))).toBe(cut);
    expect(await failureOf(put(files, pieces('all'), 'proj_none'))).toBeInstanceOf(Error);
    expect([await files.list('proj_a', { order: 'asc', rowsMax: 9 }), await unkept()]).toEqual([[], 2]);
    await files.purge();
    expect(await unkept()).toBe(2);
    await open.pool.query(`update unkept_blobs set remove_at = now()`);
    await files.purge();
    expect([storage.kept(), await unkept()]).toEqual([[], 0]);
  });

  test('go when they are deleted, when their time is over, and with their project', async () => {
    const [gone, expired, kept] = [await put(files, pieces('a')), await put(files, pieces('b')), await put(files, pieces('c'))];
    await open.pool.query(`insert into projects (id, name) values ('proj_c', 'C')`);
    await put(files, pieces('d'), 'proj_c');
    expect([await files.remove('proj_b', gone.id), await files.remove('proj_a', gone.id), await files.remove('proj_a', gone.id)]).toEqual([false, true, false]);
    expect(storage.kept()).not.toContain(gone.id);
    await open.pool.query('update files set expires_at = $1 where id = $2', [new Date(clock.now()), expired.id]);
    expect(await files.find('proj_a', expired.id)).toBeNull();
    expect((await files.list('proj_a', { order: 'asc', rowsMax: 9 })).map(({ id }) => id)).toEqual([kept.id]);
    await open.pool.query(`delete from projects where id = 'proj_c'`);
    await files.purge();
    expect([storage.kept(), await unkept()]).toEqual([[kept.id], 0]);
  });

  test('are listed in pages, in both orders, by purpose', async () => {
    const made = [];
    for (const purpose of ['batch', 'user_data', 'batch']) {
      await clock.advance(5);
      made.push((await files.put('proj_a', pieces('x'), { describe: () => ({ ...NOTE, purpose }) })).id);
    }
    const [first = '', second = '', third = ''] = made;
    const ids = async (asked: Partial<Parameters<OpenFiles['list']>[1]>): Promise<string[]> =>
      (await files.list('proj_a', { order: 'desc', rowsMax: 9, ...asked })).map(({ id }) => id);
    expect(await ids({})).toEqual([third, second, first]);
    expect(await ids({ order: 'asc', rowsMax: 2 })).toEqual([first, second]);
    expect(await ids({ after: third })).toEqual([second, first]);
    expect(await ids({ order: 'asc', after: first })).toEqual([second, third]);
    expect(await ids({ purpose: 'batch', after: third })).toEqual([first]);
    expect(await files.list('proj_b', { order: 'asc', rowsMax: 9 })).toEqual([]);
  });
});

test('a disk that lost the end of a file does not pass it off as the whole', async () => {
  const files = createFiles({ db: open.db, inProject: createInProject(open.db), clock, newId: idMaker(clock.now), log: quiet, blobs: diskBlobs(folder()) });
  const file = await put(files, pieces('hello world'));
  const place = join(folder(), file.id.slice(-2), file.id);
  expect(readFileSync(place, 'utf8')).toBe('hello world');
  writeFileSync(place, 'hello');
  expect(await failureOf(textOf(files.read(file)))).toBeInstanceOf(Error);
  rmSync(place);
  expect(await failureOf(textOf(files.read(file)))).toBeInstanceOf(Error);
});

test('storage in S3 that answers with half of a file, or fails, is not believed', async () => {
  s3.mode = 'ok';
  const files = createFiles({ db: open.db, inProject: createInProject(open.db), clock, newId: idMaker(clock.now), log: quiet, blobs: await openBlobs(S3, '') });
  const file = await put(files, pieces('hello world'));
  s3.mode = 'cut';
  expect(await failureOf(textOf(files.read(file)))).toBeInstanceOf(Error);
  s3.mode = 'fail';
  expect(await failureOf(textOf(files.read(file)))).toBeInstanceOf(Error);
  expect(await failureOf(put(files, pieces('x')))).toBeInstanceOf(Error);
  expect(await failureOf(openBlobs(S3, ''))).toMatchObject({ name: 'ConfigError' });
  expect(await files.remove('proj_a', file.id)).toBe(true);
  expect(await unkept()).toBeGreaterThan(0);
});
