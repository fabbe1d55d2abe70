import { UpstreamError } from '../core/provider.ts';

/** What the head of an answer says, and how its body is coded. */
export class AnswerHead {
  readonly status: number;
  /** `content-encoding`, in lower case; '' where there is none. */
  readonly encoding: string;
  /** How long the server says that it keeps the connection; null where it does not say. */
  readonly keepAliveMs: number | null;
  readonly #text: string;
  /** Made at the first question: of most answers nobody asks one. */
  #lower: string | null = null;

  constructor(status: number, text: string, { encoding, keepAliveMs }: Pick<AnswerHead, 'encoding' | 'keepAliveMs'>) {
    this.status = status;
    this.encoding = encoding;
    this.keepAliveMs = keepAliveMs;
    this.#text = text;
  }

  /** The first header of that name, which is given in lower case. */
  get(name: string): string | null {
    const lower = (this.#lower ??= this.#text.toLowerCase());
    const at = lower.indexOf(`\n${name}:`);
    if (at === -1) return null;
    const start = at + name.length + 2;
    return this.#text.slice(start, this.#text.indexOf('\r', start)).trim();
  }
}

type State = 'head' | 'body' | 'until-close' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailer' | 'ended';

const HEAD_BYTES_MAX = 65_536;
const CHUNK_LINE_BYTES_MAX = 1024;
const CR = 13;
const LF = 10;
const VERSION = 'HTTP/1.';
const HEAD_END = Buffer.from('\r\n\r\n');
const NONE: Buffer = Buffer.alloc(0);

/**
 * One answer of a server in HTTP/1.x (RFC 9112), from bytes as they come: however they are cut, the outcome is the same. What is not certain
 * to mean one thing is refused, because whoever reads a wrong end reads the next answer wrong too.
 */
export class Http1Answer {
  /** Null until it is complete; interim answers (1xx) are passed over. */
  head: AnswerHead | null = null;
  ended = false;
  /** Once it has ended: whether the connection can carry another call. */
  reusable = true;
  /** Whether bytes came after its end. */
  hasExcess = false;
  /** Why it was refused; what its body held before that was said all the same. */
  fault: UpstreamError | null = null;
  #state: State = 'head';
  /** The beginning of a head or line that is not complete. */
  #held = NONE;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #trailerBytes = 0;
  readonly #bodiless: boolean;

  /** `bodiless` for the answer to a CONNECT, which has no body whatever its head says. */
  constructor(bodiless = false) {
    this.#bodiless = bodiless;
  }

  /**
   * Takes bytes as they come, and answers with what they hold of the body. They are its own from then on: pieces of a body that come
   * together are moved together.
   */
  push(bytes: Buffer): Buffer {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = NONE;
    let at = 0;
    let bodyStart = -1;
    let bodyEnd = -1;
    while (at < all.length && this.fault === null) {
      if (this.#state === 'body' || this.#state === 'chunk' || this.#state === 'until-close') {
        const end = this.#state === 'until-close' ? all.length : Math.min(all.length, at + this.#left);
        if (bodyStart === -1) bodyStart = bodyEnd = at;
        else all.copyWithin(bodyEnd, at, end);
        bodyEnd += end - at;
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = this.#state === 'body' ? this.#end() : 'chunk-end';
      } else if (this.#state === 'ended') {
        this.hasExcess = true;
        this.reusable = false;
        break;
      } else {
        const next = this.#tryLine(all, at);
        if (next === -1) break;
        at = next;
      }
    }
    if (bodyStart === -1) return NONE;
    return bodyStart === 0 && bodyEnd === all.length ? all : all.subarray(bodyStart, bodyEnd);
  }

  /** The connection is over, which ends a body that nothing else ends. */
  close(): void {
    this.reusable = false;
    if (this.#state === 'until-close') this.#state = this.#end();
  }

  /** Reads a head or a line, and says where the next one begins; -1 where it is not complete, or refused. */
  #tryLine(all: Buffer, at: number): number {
    try {
      return this.#readLine(all, at);
    } catch (cause) {
      if (!(cause instanceof UpstreamError)) throw cause;
      this.fault = cause;
      this.reusable = false;
      return -1;
    }
  }

  #readLine(all: Buffer, at: number): number {
    const isHead = this.#state === 'head';
    const end = isHead ? all.indexOf(HEAD_END, at) : lineEnd(all, at);
    const bytesMax = isHead || this.#state === 'trailer' ? HEAD_BYTES_MAX : CHUNK_LINE_BYTES_MAX;
    // Of what ends it, all but the last byte may be there already.
    const bytes = end === -1 ? all.length - at - (isHead ? 3 : 1) : end - at;
    if (bytes > bytesMax) throw refusal(`The provider sent a head or line of more than ${bytesMax} bytes.`);
    if (end === -1) {
      if (isHead) refuseEarly(all, at);
      this.#held = all.subarray(at);
      return -1;
    }
    if (isHead) {
      this.#readHead(all.toString('latin1', at, end + 2));
      return end + 4;
    }
    if (this.#state === 'chunk-line') this.#readChunkLine(all, at, end);
    else if (this.#state === 'trailer') this.#readTrailer(all, at, end);
    else if (end === at) this.#state = 'chunk-line';
    else throw refusal('The provider sent a chunk that is longer than it says.');
    return end + 2;
  }

  #readHead(text: string): void {
    if (!HEAD.test(text)) throw refusal(`The provider sent ${whatIsWrong(text)}.`);
    const status = Number(text.slice(9, 12));
    if (status === 101) throw refusal('The provider changed to another protocol, which it was not asked for.');
    if (status < 200) return;
    const framing = readFraming(text);
    this.head = new AnswerHead(status, text, framing);
    this.reusable = !text.startsWith('HTTP/1.0') && !framing.close;
    this.#left = -1;
    if (this.#bodiless || status === 204 || status === 304 || framing.length === 0) this.#state = this.#end();
    else if (framing.chunked) this.#state = 'chunk-line';
    else if (framing.length === null) this.#state = 'until-close';
    else {
      this.#left = framing.length;
      this.#state = 'body';
    }
  }

  #readChunkLine(all: Buffer, at: number, end: number): void {
    let size = 0;
    let next = at;
    for (; next < end; next++) {
      const digit = hexDigit(all[next] ?? 0);
      if (digit === -1) break;
      size = size * 16 + digit;
    }
    const isBare = next === end;
    if (next === at || size > Number.MAX_SAFE_INTEGER || !(isBare || CHUNK_EXTENSION.test(all.toString('latin1', next, end)))) {
      throw refusal('The provider sent a chunk without a proper size.');
    }
    this.#left = size;
    this.#state = size === 0 ? 'trailer' : 'chunk';
  }

  #readTrailer(all: Buffer, at: number, end: number): void {
    this.#trailerBytes += end - at;
    if (end === at) this.#state = this.#end();
    else if (this.#trailerBytes > HEAD_BYTES_MAX) throw refusal(`The provider sent trailers of more than ${HEAD_BYTES_MAX} bytes.`);
    else if (!HEADER.test(all.toString('latin1', at, end))) throw refusal('The provider sent something that is not a header after its answer.');
  }

  #end(): 'ended' {
    this.ended = true;
    return 'ended';
  }
}

const HEAD = /^HTTP\/1\.\d [1-9]\d\d(?: [^\0\r\n]*)?\r\n(?:[!#$%&'*+\-.^_`|~\w]+:[^\0\r\n]*\r\n)*$/;
const HEADER = /^[!#$%&'*+\-.^_`|~\w]+:[^\0\r\n]*$/;
const CHUNK_EXTENSION = /^[ \t]*(?:;[^\0\r\n]*)?$/;
const FRAMING = /\n(content-length|transfer-encoding|content-encoding|connection|keep-alive):[ \t]*([^\r\n]*)/gi;

type Framing = { chunked: boolean; length: number | null; close: boolean; encoding: string; keepAliveMs: number | null };

function readFraming(head: string): Framing {
  const framing: Framing = { chunked: false, length: null, close: false, encoding: '', keepAliveMs: null };
  FRAMING.lastIndex = 0;
  for (let found = FRAMING.exec(head); found !== null; found = FRAMING.exec(head)) {
    readFramingHeader(framing, (found[1] ?? '').toLowerCase(), (found[2] ?? '').trimEnd().toLowerCase());
  }
  if (framing.chunked && framing.length !== null) throw refusal('The provider sent both a length and chunks.');
  return framing;
}

/** Both in lower case. */
function readFramingHeader(framing: Framing, name: string, value: string): void {
  switch (name) {
    case 'content-length': {
      const length = readLength(value);
      if (framing.length !== null && framing.length !== length) throw refusal('The provider sent two lengths of its answer.');
      framing.length = length;
      return;
    }
    case 'transfer-encoding':
      if (framing.chunked || value !== 'chunked') throw refusal('The provider sent an unknown transfer encoding.');
      framing.chunked = true;
      return;
    case 'content-encoding':
      framing.encoding = framing.encoding === '' ? value : `${framing.encoding}, ${value}`;
      return;
    case 'connection':
      framing.close ||= /(?:^|,)\s*close\s*(?:,|$)/.test(value);
      return;
    default: {
      const seconds = /(?:^|[,;\s])timeout\s*=\s*(\d{1,6})\b/.exec(value)?.[1];
      framing.keepAliveMs = seconds === undefined ? null : Number(seconds) * 1000;
    }
  }
}

/** A list of equal lengths, which a proxy may make of repeated headers, is that length. */
function readLength(value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  const [first = '', ...others] = value.split(',').map((each) => each.trim());
  const length = Number(first);
  if (!/^\d{1,16}$/.test(first) || !Number.isSafeInteger(length) || others.some((other) => other !== first)) {
    throw refusal('The provider sent a length that is none.');
  }
  return length;
}

function lineEnd(all: Buffer, at: number): number {
  const end = all.indexOf(CR, at);
  if (end === -1 || end + 1 === all.length) return -1;
  if (all[end + 1] !== LF) throw refusal('The provider sent a line that does not end as HTTP has it.');
  return end;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** The beginning of a head that cannot become one: its end would be waited for in vain. */
function refuseEarly(all: Buffer, at: number): void {
  const start = all.toString('latin1', at, at + VERSION.length);
  if (!VERSION.startsWith(start)) throw refusal('The provider sent something that is not an answer in HTTP/1.');
  for (let found = all.indexOf(LF, at); found !== -1; found = all.indexOf(LF, found + 1)) {
    if (all[found - 1] !== CR) throw refusal('The provider sent a head whose lines do not end as HTTP has it.');
  }
}

function whatIsWrong(text: string): string {
  if (!/^HTTP\/1\.\d [1-9]\d\d(?: [^\0\r\n]*)?\r\n/.test(text)) return 'something that is not an answer in HTTP/1';
  if (text.includes('\0')) return 'a head with a NUL';
  if (/\r(?!\n)|(?<!\r)\n/.test(text)) return 'a head whose lines do not end as HTTP has it';
  return /\n[ \t]/.test(text) ? 'a header that goes on in another line' : 'a line in its head that is not a header';
}

function refusal(message: string): UpstreamError {
  return new UpstreamError('broken', message);
}
