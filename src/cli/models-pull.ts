import { createHash } from 'node:crypto';
import { constants, copyFileSync, createReadStream, existsSync, mkdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CommandError } from './command-error.ts';
import type { Environment, ModelShelf } from './command-group.ts';
import { EXIT } from './exit-codes.ts';
import { interruption } from './interruption.ts';
import { download } from './model-download.ts';
import { type DownloadShown, showDownload } from './model-progress.ts';
import { type ModelSource, sourceOf } from './model-source.ts';
import { PART, PART_MARK, pathOf, sizeText } from './models.ts';
import { printJson } from './output.ts';
import { takePullLock } from './pull-lock.ts';

export type PullOptions = { readonly json: boolean; readonly name?: string; readonly file?: string; readonly sha256?: string; readonly force?: boolean };

/** What else the disk may be needed for while a model comes. */
const SPARE_BYTES = 64_000_000;

/** Fetches a model, or takes it from a file, and puts it into its place when it is known to be whole and a model. */
export async function pullModel(shelf: ModelShelf, wanted: string, options: PullOptions, env: Environment): Promise<void> {
  const source = sourceOf(wanted, shelf.mirror);
  const name = options.name ?? source.name;
  const path = pathOf(shelf, name);
  const sha256 = checksumOf(options.sha256 ?? source.sha256);
  const done = (what: string): void => tell(options.json, { name, path, bytes: statSync(path).size }, what);
  if (options.file === undefined && options.force !== true && existsSync(path)) return done(`${name} is here already`);
  mkdirSync(shelf.folder, { recursive: true });
  const signal = interruption();
  const letGo = takePullLock(`${path}.lock`, name);
  try {
    await bring(path, { shelf, source, sha256, name, env, signal, options });
  } finally {
    letGo();
  }
  done(`${name} is here now: ask for \`local/${name}\``);
}

type Bringing = {
  readonly shelf: ModelShelf;
  readonly source: ModelSource;
  readonly sha256: string | null;
  readonly name: string;
  readonly env: Environment;
  readonly signal: AbortSignal;
  readonly options: PullOptions;
};

async function bring(path: string, bringing: Bringing): Promise<void> {
  const { shelf, sha256, name, signal, options } = bringing;
  if (options.file === undefined) await fetchInto(path + PART, bringing);
  else await copyInto(path + PART, resolve(options.file), { sha256, signal });
  assertModel(shelf, path + PART, name);
  renameSync(path + PART, path);
  rmSync(path + PART_MARK, { force: true });
}

function checksumOf(text: string | null): string | null {
  if (text === null) return null;
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new CommandError('--sha256 takes 64 hexadecimal digits', { hint: '`sha256sum FILE` prints them.', exitCode: EXIT.wrongUsage });
}

async function fetchInto(part: string, { shelf, source, sha256, name, env, signal, options: { json, force } }: Bringing): Promise<void> {
  if (force === true) for (const old of [part, markOf(part)]) rmSync(old, { force: true });
  const progress = json ? NOTHING_SHOWN : showDownload(name, process.stderr, env);
  try {
    const { checksum } = await download({
      url: source.url,
      // What a URL leads to elsewhere is no business of the token's.
      token: new URL(source.url).origin === new URL(shelf.mirror).origin ? shelf.token : null,
      part,
      mark: markOf(part),
      signal,
      onProgress: progress.show,
      onTrouble: progress.say,
      assertRoom: (bytes) => assertRoom(shelf.folder, bytes),
    });
    progress.end();
    await assertChecksum(part, sha256 ?? checksum, signal);
  } catch (cause) {
    progress.end();
    throw cause;
  }
}

/** A program that reads JSON wants nothing else. */
const NOTHING_SHOWN: DownloadShown = { show: () => undefined, say: () => undefined, end: () => undefined };

function markOf(part: string): string {
  return part.slice(0, -PART.length) + PART_MARK;
}

async function copyInto(part: string, file: string, { sha256, signal }: { readonly sha256: string | null; readonly signal: AbortSignal }): Promise<void> {
  if (!existsSync(file)) throw new CommandError(`${file} does not exist`, { hint: 'Give the path of a GGUF file.' });
  assertRoom(resolve(part, '..'), statSync(file).size);
  // Where the disk can, nothing is copied until one of both is changed.
  copyFileSync(file, part, constants.COPYFILE_FICLONE);
  await assertChecksum(part, sha256, signal);
}

/** A file that is not what it should be is not kept: it could only be fetched again. */
async function assertChecksum(part: string, wanted: string | null, signal: AbortSignal): Promise<void> {
  if (wanted === null) return;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(part, { highWaterMark: 1_048_576, signal })) hash.update(chunk as Uint8Array);
  const found = hash.digest('hex');
  if (found === wanted) return;
  rmSync(part);
  rmSync(markOf(part), { force: true });
  throw new CommandError(`the checksum is wrong: ${found}, and not ${wanted}`, {
    hint: 'The file was not kept. Pull it again; if it stays so, the source has another file than the one that is meant.',
  });
}

function assertModel(shelf: ModelShelf, part: string, name: string): void {
  try {
    shelf.look(part);
  } catch (cause) {
    rmSync(part);
    rmSync(markOf(part), { force: true });
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`${name} is no model that can run here: ${message}`, { hint: 'The file was not kept. Models are GGUF files in one part.' });
  }
}

function assertRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes + SPARE_BYTES) return;
  throw new CommandError(`the disk of ${folder} has ${sizeText(free)} left, and ${sizeText(bytes + SPARE_BYTES)} are needed`, {
    hint: 'Remove what is not needed (`sluice models rm`), or set DATA_DIR to a folder on another disk.',
  });
}

function tell(json: boolean, model: { readonly name: string; readonly path: string; readonly bytes: number }, what: string): void {
  if (json) printJson(model);
  else process.stderr.write(`${what} (${sizeText(model.bytes)}).\n`);
}
