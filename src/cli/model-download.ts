import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { CommandError } from './command-error.ts';

export type Download = {
  readonly url: string;
  /** For the place that the URL names, and no other. */
  readonly token: string | null;
  /** What has come so far, and of which file. */
  readonly part: string;
  readonly mark: string;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number | null) => void;
  readonly onTrouble: (words: string) => void;
  /** Throws where the disk has no room for so many bytes more. */
  readonly assertRoom: (bytes: number) => void;
};

/** Attempts in a row that bring nothing, and the waits between them. */
const WAITS_MS = [1000, 2000, 4000, 8000] as const;
const SILENCE_MS = 30_000;
const REDIRECTS_MAX = 10;

/** Fetches a file into `part`, going on where it broke off as long as the source has the same file. Answers the checksum that the source states. */
export async function download(of: Download): Promise<{ readonly checksum: string | null }> {
  let failures = 0;
  for (;;) {
    const before = sizeOf(of.part);
    try {
      return await attempt(of);
    } catch (cause) {
      of.signal.throwIfAborted();
      if (cause instanceof CommandError) throw cause;
      failures = sizeOf(of.part) > before ? 0 : failures + 1;
      const waitMs = WAITS_MS[failures];
      const words = cause instanceof Error ? cause.message : String(cause);
      if (waitMs === undefined)
        throw new CommandError(`the download broke off: ${words}`, { hint: 'What has come is kept: the same command goes on where it stopped.' });
      of.onTrouble(`broken off (${words}); trying again`);
      await pause(waitMs, of.signal);
    }
  }
}

async function attempt(of: Download): Promise<{ readonly checksum: string | null }> {
  const silence = watchSilence(of.signal);
  try {
    const { response, checksum } = await open(of, silence);
    const have = response.status === 206 ? sizeOf(of.part) : 0;
    if (response.status === 416) return { checksum };
    if (have === 0) restart(of, response);
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    const total = Number.isFinite(length) && response.headers.get('content-encoding') === null ? have + length : null;
    if (total !== null) of.assertRoom(total - have);
    await write(of, response, { have, total, silence });
    return { checksum };
  } finally {
    silence.end();
  }
}

/** The mark says of which file the part is, so that one which has changed at its source is not joined to the old one. */
function restart({ part, mark }: Download, response: Response): void {
  writeFileSync(part, '');
  writeFileSync(mark, JSON.stringify({ etag: response.headers.get('etag') }));
}

function markedEtag({ part, mark }: Download): string | null {
  if (sizeOf(part) === 0 || !existsSync(mark)) return null;
  try {
    const { etag } = JSON.parse(readFileSync(mark, 'utf8')) as { readonly etag?: unknown };
    return typeof etag === 'string' && !etag.startsWith('W/') ? etag : null;
  } catch {
    return null;
  }
}

type Opened = { readonly response: Response; readonly checksum: string | null };

/** Follows redirects by itself, because the token is for the first place alone. */
async function open(of: Download, { signal }: Silence): Promise<Opened> {
  const etag = markedEtag(of);
  const range: Record<string, string> = etag === null ? {} : { range: `bytes=${sizeOf(of.part)}-`, 'if-range': etag };
  const { origin } = new URL(of.url);
  let url = of.url;
  let checksum: string | null = null;
  for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
    const authorization: Record<string, string> = of.token !== null && new URL(url).origin === origin ? { authorization: `Bearer ${of.token}` } : {};
    const response = await fetch(url, {
      redirect: 'manual',
      signal,
      headers: { 'user-agent': 'sluice', 'accept-encoding': 'identity', ...range, ...authorization },
    });
    checksum ??= statedChecksum(response.headers);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) return { response: judged(response, url), checksum };
    await response.body?.cancel();
    const next = new URL(location, url);
    if (next.protocol !== 'https:' && new URL(url).protocol === 'https:')
      throw new CommandError(`${url} leads to ${next.href}, which is not encrypted`, { hint: 'Nothing was fetched.' });
    url = next.href;
  }
  throw new CommandError(`${of.url} leads from one address to the next, more than ${REDIRECTS_MAX} times`, { hint: 'Check the URL.' });
}

/** Hugging Face names a large file by its checksum. */
function statedChecksum(headers: Headers): string | null {
  const found = [headers.get('x-linked-etag'), headers.get('etag')].map((etag) => /^"?([0-9a-f]{64})"?$/.exec(etag ?? '')?.[1]);
  return found.find((checksum) => checksum !== undefined) ?? null;
}

function judged(response: Response, url: string): Response {
  const { status } = response;
  if (status === 200 || status === 206 || status === 416) return response;
  if (status === 401 || status === 403) {
    throw new CommandError(`${new URL(url).host} does not give it away (${status})`, {
      hint: 'Set HF_TOKEN to a token of an account that has accepted the terms of this model.',
    });
  }
  if (status === 404) throw new CommandError(`there is nothing at ${url}`, { hint: 'Check the name, and MODEL_MIRROR where it is set.' });
  if (status === 429 || status >= 500) throw new Error(`${new URL(url).host} answers with ${status}`);
  throw new CommandError(`${new URL(url).host} answers with ${status}`, { hint: 'Check the URL.' });
}

type Writing = { readonly have: number; readonly total: number | null; readonly silence: Silence };

async function write({ part, onProgress }: Download, { body }: Response, { have, total, silence }: Writing): Promise<void> {
  if (body === null) throw new Error('the answer has no body');
  truncateSync(part, have);
  const file = openSync(part, 'r+');
  let done = have;
  try {
    onProgress(done, total);
    for await (const chunk of body) {
      silence.heard();
      done += writeWhole(file, chunk, done);
      onProgress(done, total);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  if (total !== null && done < total) throw new Error(`it ended after ${done} of ${total} bytes`);
}

function writeWhole(file: number, chunk: Uint8Array, at: number): number {
  let written = 0;
  while (written < chunk.length) written += writeSync(file, chunk, written, chunk.length - written, at + written);
  return written;
}

type Silence = { readonly signal: AbortSignal; readonly heard: () => void; readonly end: () => void };

/** A connection that says nothing any more is as good as broken. */
function watchSilence(outer: AbortSignal): Silence {
  const controller = new AbortController();
  const silent = (): void => controller.abort(new Error(`nothing came for ${SILENCE_MS / 1000} s`));
  const stop = (): void => controller.abort(outer.reason);
  let timer = setTimeout(silent, SILENCE_MS);
  outer.addEventListener('abort', stop, { once: true });
  if (outer.aborted) stop();
  return {
    signal: controller.signal,
    heard() {
      clearTimeout(timer);
      timer = setTimeout(silent, SILENCE_MS);
    },
    end() {
      clearTimeout(timer);
      outer.removeEventListener('abort', stop);
    },
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
