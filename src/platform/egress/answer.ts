import { UpstreamError, type UpstreamResponse } from '../../core/provider.ts';
import type { AnswerHead } from '../../wire/http1-answer.ts';

/** What an answer asks of the call that it came by. */
export type AnswerSource = {
  readonly pause: () => void;
  readonly resume: () => void;
  /** A reader waits for more from now on; and then no longer. */
  readonly listen: () => void;
  readonly ignore: () => void;
  /** Nobody wants what is still to come. */
  readonly leave: (reason: unknown) => void;
};

type Read = IteratorResult<Uint8Array, undefined>;
type Waiting<T> = { readonly resolve: (value: T) => void; readonly reject: (reason: unknown) => void };

/** A reader that falls behind by more than this holds the provider up, and not our memory. */
const UNREAD_BYTES_MAX = 65_536;
const TEXT_BYTES_MAX = 64 * 1024 * 1024;
const DONE: Read = { done: true, value: undefined };

/** An answer whose body is read whole or in pieces as they come; by one reader. */
export class Answer implements UpstreamResponse, AsyncIterableIterator<Uint8Array, undefined> {
  readonly status: number;
  readonly headers: AnswerHead;
  readonly #source: AnswerSource;
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #isPaused = false;
  #state: 'flowing' | 'ended' | 'failed' = 'flowing';
  #fault: unknown = null;
  #whole: Waiting<string> | null = null;
  #next: Waiting<Read> | null = null;

  constructor(head: AnswerHead, source: AnswerSource) {
    this.status = head.status;
    this.headers = head;
    this.#source = source;
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return;
    const next = this.#next;
    if (next !== null) {
      this.#next = null;
      this.#source.ignore();
      next.resolve({ done: false, value: piece });
      return;
    }
    this.#unread.push(piece);
    this.#unreadBytes += piece.length;
    if (this.#whole !== null) {
      if (this.#unreadBytes > TEXT_BYTES_MAX) this.#source.leave(tooLong());
      else this.#source.listen();
    } else if (this.#unreadBytes > UNREAD_BYTES_MAX && !this.#isPaused) {
      this.#isPaused = true;
      this.#source.pause();
    }
  }

  end(): void {
    this.#state = 'ended';
    this.#whole?.resolve(this.#takeText());
    this.#next?.resolve(DONE);
  }

  fail(fault: unknown): void {
    this.#state = 'failed';
    this.#fault = fault;
    this.#whole?.reject(fault);
    this.#next?.reject(fault);
  }

  text(): Promise<string> {
    if (this.#state === 'failed') return Promise.reject(this.#fault);
    if (this.#unreadBytes > TEXT_BYTES_MAX) return Promise.reject(tooLong());
    if (this.#state === 'ended') return Promise.resolve(this.#takeText());
    this.#resume();
    this.#source.listen();
    return new Promise((resolve, reject) => {
      this.#whole = { resolve, reject };
    });
  }

  chunks(): this {
    return this;
  }

  next(): Promise<Read> {
    // What came before a fault was said, and is read before it.
    if (this.#unreadBytes > 0) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#state === 'ended') return Promise.resolve(DONE);
    if (this.#state === 'failed') return Promise.reject(this.#fault);
    this.#source.listen();
    return new Promise((resolve, reject) => {
      this.#next = { resolve, reject };
    });
  }

  return(): Promise<Read> {
    this.#next?.resolve(DONE);
    this.#next = null;
    this.#unread = [];
    this.#unreadBytes = 0;
    if (this.#state === 'flowing') this.#source.leave(new UpstreamError('broken', 'the rest of the answer was not read'));
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): Buffer {
    const [first] = this.#unread;
    const all = first !== undefined && this.#unread.length === 1 ? first : Buffer.concat(this.#unread);
    this.#unread = [];
    this.#unreadBytes = 0;
    this.#resume();
    return all;
  }

  #takeText(): string {
    return textOf(this.#take());
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#source.resume();
  }
}

/** All of these pieces as one text; a byte order mark is no part of it. */
export async function collectText(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > TEXT_BYTES_MAX) throw tooLong();
    all.push(piece);
  }
  return textOf(Buffer.concat(all));
}

function textOf(bytes: Buffer): string {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  return bytes.toString('utf8', start);
}

function tooLong(): UpstreamError {
  return new UpstreamError('broken', `the answer has more than ${TEXT_BYTES_MAX / 1024 / 1024} MB`);
}
