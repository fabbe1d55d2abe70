import type { Clock } from '../../app.ts';
import { UpstreamError, type UpstreamRequest, type UpstreamResponse } from '../../core/provider.ts';
import { type AnswerHead, Http1Answer } from '../../wire/http1-answer.ts';
import { AnswerBody, type AnswerSource, collectText } from './answer.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import { canDecode, decoded, isPlain } from './decoded.ts';
import type { Dial } from './dial.ts';
import type { Pool } from './pool.ts';
import { requestText } from './request-text.ts';
import type { Route } from './route.ts';
import { Silence } from './silence.ts';

export type EgressTimes = { readonly connectMs: number; readonly readMs: number; readonly writeMs: number };
export type Exchanging = { readonly clock: Clock; readonly pool: Pool; readonly dial: Dial; readonly times: EgressTimes };
type Answered = { readonly resolve: (response: UpstreamResponse) => void; readonly reject: (reason: unknown) => void };

/** One request and its answer, from the connection that it takes to the one that it leaves to the next. */
export class Exchange implements ConnectionUser, AnswerSource {
  readonly #needs: Exchanging;
  readonly #route: Route;
  readonly #signal: UpstreamRequest['signal'];
  readonly #answered: Answered;
  readonly #beforeSending: (() => void) | undefined;
  readonly #silence: Silence;
  readonly #answer = new Http1Answer();
  readonly #left = (): void => this.#fail(this.#signal.reason);
  /** Kept until the first byte of an answer: until then it may be asked again. */
  #text: string;
  /** What the system did not take yet. */
  #unsent: Buffer | null = null;
  #connection: Connection | null = null;
  #giveUpDialling: (() => void) | null = null;
  #body: AnswerBody | null = null;
  #isOver = false;

  constructor(needs: Exchanging, route: Route, request: UpstreamRequest, answered: Answered) {
    this.#needs = needs;
    this.#route = route;
    this.#signal = request.signal;
    this.#answered = answered;
    this.#beforeSending = request.beforeSending;
    this.#text = requestText(route, request);
    this.#silence = new Silence(needs.clock, (limitMs) => this.#fail(new UpstreamError('timeout', this.#silentWords(limitMs))));
  }

  begin(): void {
    this.#signal.throwIfAborted();
    this.#signal.addEventListener('abort', this.#left, { once: true });
    const idle = this.#needs.pool.take(this.#route.origin);
    if (idle === null) this.#dial();
    else this.#use(idle);
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
    const text = this.#text;
    this.#beforeSending?.();
    const taken = connection.write(text);
    if (taken >= text.length && taken === Buffer.byteLength(text)) {
      this.#silence.listen(this.#needs.times.readMs);
      return;
    }
    this.#unsent = Buffer.from(text).subarray(Math.max(0, taken));
    this.#silence.listen(this.#needs.times.writeMs);
  }

  drained(): void {
    const unsent = this.#unsent;
    if (unsent === null) return;
    const taken = Math.max(0, this.#connection?.write(unsent) ?? 0);
    this.#unsent = taken === unsent.length ? null : unsent.subarray(taken);
    if (taken > 0) this.#silence.listen(this.#unsent === null ? this.#needs.times.readMs : this.#needs.times.writeMs);
  }

  received(bytes: Buffer): void {
    this.#text = '';
    try {
      const answer = this.#answer;
      const piece = answer.push(bytes);
      if (this.#body === null && answer.head !== null) this.#begun(answer.head);
      if (this.#body === null) this.#silence.listen(this.#needs.times.readMs);
      else this.#body.push(piece);
      if (answer.fault !== null) this.#fail(answer.fault);
      else if (answer.ended) this.#complete();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  closed(cause: Error | null): void {
    const wasReused = this.#connection?.isReused === true;
    this.#connection = null;
    if (this.#text !== '' && wasReused) {
      // The server closed it while it was idle, and our request came too late to be read.
      this.#unsent = null;
      this.#silence.pause();
      this.#dial();
      return;
    }
    // A server that refuses a body without reading it resets the connection behind its answer.
    if (cause === null || this.#unsent !== null) this.#answer.close();
    if (this.#answer.ended) this.#complete();
    else if (this.#body === null) this.#fail(new UpstreamError('connect', 'the connection was closed before the answer', { cause }));
    else this.#fail(new UpstreamError('broken', 'the connection broke in the middle of the answer', { cause }));
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  listen(): void {
    if (!this.#isOver) this.#silence.listen(this.#needs.times.readMs);
  }

  rest(): void {
    this.#silence.pause();
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
    const body = new AnswerBody(this);
    this.#body = body;
    this.#silence.pause();
    const pieces = (): AsyncIterable<Uint8Array> => (isPlain(encoding) ? body : decoded(body, encoding));
    this.#answered.resolve({ status, headers: head, text: () => (isPlain(encoding) ? body.text() : collectText(pieces())), chunks: pieces });
  }

  /** The answer is whole; its reader may still be reading. */
  #complete(): void {
    const { reusable, head } = this.#answer;
    const connection = this.#release();
    this.#body?.end();
    if (connection === null) return;
    if (this.#unsent !== null) connection.reset();
    else if (reusable) this.#needs.pool.give(this.#route.origin, connection, head?.keepAliveMs ?? null);
    else connection.end();
  }

  #fail(reason: unknown): void {
    if (this.#isOver) return;
    this.#release()?.reset();
    if (this.#body === null) this.#answered.reject(reason);
    else this.#body.fail(reason);
  }

  #release(): Connection | null {
    const connection = this.#connection;
    this.#isOver = true;
    this.#connection = null;
    this.#signal.removeEventListener('abort', this.#left);
    this.#silence.stop();
    this.#giveUpDialling?.();
    return connection;
  }

  #silentWords(limitMs: number): string {
    if (this.#unsent !== null) return `the provider took nothing of the request for ${limitMs} ms`;
    return this.#body === null ? `no answer within ${limitMs} ms` : `silent for ${limitMs} ms in the middle of the answer`;
  }
}
