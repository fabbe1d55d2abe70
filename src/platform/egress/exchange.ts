import { atEndOfTurn } from '../../core/end-of-turn.ts';
import { type BodyPieces, UpstreamError, type UpstreamRequest, type UpstreamResponse } from '../../core/provider.ts';
import { type AnswerHead, Http1Answer } from '../../wire/http1-answer.ts';
import { Answer, type AnswerSource, collectText } from './answer.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import { canDecode, decoded, isPlain } from './decoded.ts';
import type { Dial } from './dial.ts';
import { handOver } from './pieces.ts';
import type { Pool } from './pool.ts';
import { requestText } from './request-text.ts';
import type { Route } from './route.ts';

export type EgressTimes = { readonly connectMs: number; readonly readMs: number; readonly writeMs: number };
export type Exchanging = { readonly pool: Pool; readonly dial: Dial; readonly times: EgressTimes };
type Answered = { readonly resolve: (response: UpstreamResponse) => void; readonly reject: (reason: unknown) => void };

/** One request and its answer, from the connection that it takes to the one that it leaves to the next. */
export class Exchange implements ConnectionUser, AnswerSource {
  readonly #needs: Exchanging;
  readonly #route: Route;
  readonly #signal: UpstreamRequest['signal'];
  readonly #answered: Answered;
  readonly #beforeSending: (() => void) | undefined;
  readonly #reading = new Http1Answer();
  readonly #left = (): void => this.#fail(this.#signal.reason);
  /** Kept until the first byte of an answer: until then it may be asked again. */
  #text: string;
  /** What the system did not take yet. */
  #unsent: Buffer | null = null;
  /** What is still to be made of the body, and who waits until it is taken. */
  #pieces: BodyPieces | null;
  #taken: (() => void) | null = null;
  #connection: Connection | null = null;
  #giveUpDialling: (() => void) | null = null;
  #answer: Answer | null = null;
  #isOver = false;

  constructor(needs: Exchanging, route: Route, request: UpstreamRequest, answered: Answered) {
    this.#needs = needs;
    this.#route = route;
    this.#signal = request.signal;
    this.#answered = answered;
    this.#beforeSending = request.beforeSending;
    this.#text = requestText(route, request);
    this.#pieces = request.pieces ?? null;
  }

  begin(): void {
    if (this.#signal.aborted) {
      this.#left();
      return;
    }
    this.#signal.addEventListener('abort', this.#left, { once: true });
    atEndOfTurn(() => this.#start());
  }

  #start(): void {
    if (this.#isOver) return;
    try {
      // A body in pieces can be told once only, so that it goes where nobody has just hung up.
      const idle = this.#pieces === null ? this.#needs.pool.take(this.#route.origin) : null;
      if (idle === null) this.#dial();
      else this.#use(idle);
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #dial(): void {
    const giveUp = this.#needs.dial(this.#route, this.#needs.times.connectMs, {
      connected: (connection) => this.#use(connection),
      failed: (fault) => this.#fail(fault),
    });
    if (this.#connection === null) this.#giveUpDialling = giveUp;
  }

  #use(connection: Connection): void {
    this.#giveUpDialling = null;
    this.#connection = connection;
    connection.user = this;
    try {
      this.#beforeSending?.();
    } catch (cause) {
      this.#fail(cause);
      return;
    }
    if (this.#pieces !== null) {
      void this.#sendPieces(this.#pieces);
      return;
    }
    const text = this.#text;
    const taken = connection.write(text);
    if (taken >= text.length && taken === Buffer.byteLength(text)) {
      connection.listen(this.#needs.times.readMs);
      return;
    }
    this.#unsent = Buffer.from(text).subarray(Math.max(0, taken));
    connection.listen(this.#needs.times.writeMs);
  }

  async #sendPieces(pieces: BodyPieces): Promise<void> {
    try {
      if (!(await this.#put(Buffer.from(this.#text)))) return;
      await handOver(pieces, (bytes) => this.#put(bytes));
      this.#pieces = null;
      if (this.#answer === null) this.listen();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** Resolves when all of it was taken; with false when nobody wants it any more. */
  async #put(bytes: Buffer): Promise<boolean> {
    const connection = this.#connection;
    if (connection === null) return false;
    const taken = Math.max(0, connection.write(bytes));
    if (taken < bytes.length) {
      this.#unsent = bytes.subarray(taken);
      connection.listen(this.#needs.times.writeMs);
      await new Promise<void>((resolve) => {
        this.#taken = resolve;
      });
    }
    // How long the next piece takes to be made is nobody's silence.
    if (this.#answer === null) this.ignore();
    return this.#connection !== null;
  }

  drained(): void {
    const connection = this.#connection;
    const unsent = this.#unsent;
    if (connection === null || unsent === null) return;
    const taken = Math.max(0, connection.write(unsent));
    this.#unsent = taken === unsent.length ? null : unsent.subarray(taken);
    // Once there is an answer, its reader says when it waits.
    if (taken > 0 && this.#answer === null) connection.listen(this.#unsent === null ? this.#needs.times.readMs : this.#needs.times.writeMs);
    if (this.#unsent === null) this.#wasTaken();
  }

  #wasTaken(): void {
    this.#taken?.();
    this.#taken = null;
  }

  /** Whether a part of the request is still to go out. */
  #isSending(): boolean {
    return this.#unsent !== null || this.#pieces !== null;
  }

  received(bytes: Buffer): void {
    this.#text = '';
    try {
      const reading = this.#reading;
      const piece = reading.push(bytes);
      if (this.#answer === null && reading.head !== null) this.#begun(reading.head);
      if (this.#answer === null) this.listen();
      else this.#answer.push(piece);
      if (reading.fault !== null) this.#fail(reading.fault);
      else if (reading.ended) this.#complete();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  silent(limitMs: number): void {
    this.#fail(new UpstreamError('timeout', this.#silentWords(limitMs)));
  }

  closed(cause: Error | null): void {
    const wasIdle = (this.#connection?.idleUntil ?? 0) > 0;
    this.#connection = null;
    if (this.#text !== '' && wasIdle) {
      // The server closed it while it was idle, and our request came too late to be read.
      this.#unsent = null;
      this.#dial();
      return;
    }
    this.#wasTaken();
    // A server that refuses a body without reading it resets the connection behind its answer.
    if (cause === null || this.#isSending()) this.#reading.close();
    if (this.#reading.ended) this.#complete();
    else if (this.#answer === null) this.#fail(new UpstreamError('connect', 'the connection was closed before the answer', { cause }));
    else this.#fail(new UpstreamError('broken', 'the connection broke in the middle of the answer', { cause }));
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  listen(): void {
    this.#connection?.listen(this.#needs.times.readMs);
  }

  ignore(): void {
    this.#connection?.ignore();
  }

  leave(reason: unknown): void {
    this.#fail(reason);
  }

  #begun(head: AnswerHead): void {
    const { status, encoding } = head;
    if (status >= 300 && status < 400) {
      throw new UpstreamError('failed', `redirected with ${status}, which is not followed: set the provider's base URL to its final address`, { status });
    }
    if (!canDecode(encoding)) throw new UpstreamError('broken', `the answer is coded as ${JSON.stringify(encoding)}, which nobody asked for`);
    const answer = new Answer(head, this);
    this.#answer = answer;
    this.ignore();
    if (isPlain(encoding)) {
      this.#answered.resolve(answer);
      return;
    }
    const chunks = (): AsyncIterable<Uint8Array> => decoded(answer, encoding);
    this.#answered.resolve({ status, headers: head, chunks, text: () => collectText(chunks()) });
  }

  /** The answer is whole; its reader may still be reading. */
  #complete(): void {
    const { reusable, head } = this.#reading;
    const connection = this.#release();
    this.#answer?.end();
    if (connection === null) return;
    // Its reader may have paused it, and has no way to it any more.
    connection.resume();
    if (this.#isSending()) connection.reset();
    else if (reusable) this.#needs.pool.give(this.#route.origin, connection, head?.keepAliveMs ?? null);
    else connection.end();
  }

  #fail(reason: unknown): void {
    if (this.#isOver) return;
    this.#release()?.reset();
    if (this.#answer === null) this.#answered.reject(reason);
    else this.#answer.fail(reason);
  }

  #release(): Connection | null {
    const connection = this.#connection;
    this.#isOver = true;
    this.#connection = null;
    this.#signal.removeEventListener('abort', this.#left);
    this.#giveUpDialling?.();
    this.#wasTaken();
    return connection;
  }

  #silentWords(limitMs: number): string {
    if (this.#unsent !== null) return `the provider took nothing of the request for ${limitMs} ms`;
    return this.#answer === null ? `no answer within ${limitMs} ms` : `silent for ${limitMs} ms in the middle of the answer`;
  }
}
