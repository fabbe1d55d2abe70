import { connect } from 'node:net';
import type { Clock } from '../app.ts';
import type { Cancellation } from '../core/cancellation.ts';
import { type Send, UpstreamError, type UpstreamRequest, type UpstreamResponse } from '../core/provider.ts';

/** The one way out. Providers' own origins only: whatever URL a provider builds, its key goes nowhere else, and a redirect is not followed. */
export type EgressTimes = { readonly connectMs: number; readonly readMs: number; readonly writeMs: number };
type EgressNeeds = { readonly clock: Clock; readonly times: () => EgressTimes; readonly allowedOrigins: () => ReadonlySet<string> };

const PROBE_MS = 1_000;
/** A body of this size is with the system at once; a larger one gets the write timeout on top of the wait for the answer. */
const SMALL_BODY_CHARS = 65_536;

export function createSend(needs: EgressNeeds): Send {
  return async (request) => {
    const origin = originOf(request.url);
    if (!needs.allowedOrigins().has(origin)) throw new UpstreamError('connect', `${origin} is not the address of a configured provider`);
    const { connectMs, readMs, writeMs } = needs.times();
    const answerMs = readMs + ((request.body?.length ?? 0) > SMALL_BODY_CHARS ? writeMs : 0);
    const call = new AbortController();
    const leave = (): void => call.abort(request.signal.reason);
    if (request.signal.aborted) leave();
    request.signal.addEventListener('abort', leave, { once: true });
    const done = (): void => request.signal.removeEventListener('abort', leave);

    let fault: UpstreamError | null = null;
    const fail = (error: UpstreamError): void => {
      fault = error;
      call.abort(error);
    };
    const silence = needs.clock.after(answerMs, () => fail(new UpstreamError('timeout', `no answer within ${answerMs} ms`)));
    const unreachable = connectMs < answerMs ? needs.clock.after(connectMs, () => void probe(new URL(request.url), connectMs, fail)) : () => undefined;
    try {
      const response = await fetch(request.url, fetchOptions(request, call.signal));
      if (response.status >= 300 && response.status < 400) {
        call.abort();
        throw new UpstreamError('failed', `redirected with ${response.status}, which is not followed: set the provider's base URL to its final address`, {
          status: response.status,
        });
      }
      return timedResponse({ response, readMs, clock: needs.clock, call, signal: request.signal, done });
    } catch (cause) {
      done();
      if (request.signal.aborted) throw request.signal.reason;
      throw fault ?? connectFault(cause);
    } finally {
      silence();
      unreachable();
    }
  };
}

/** A provider calls the same few addresses again and again. */
const origins = new Map<string, string>();
const ORIGINS_MAX = 1000;

function originOf(address: string): string {
  const known = origins.get(address);
  if (known !== undefined) return known;
  const { origin } = new URL(address);
  if (origins.size < ORIGINS_MAX) origins.set(address, origin);
  return origin;
}

function fetchOptions(request: UpstreamRequest, signal: AbortSignal): RequestInit {
  return {
    method: request.method,
    headers: request.headers,
    ...(request.body === undefined ? {} : { body: request.body }),
    redirect: 'manual',
    signal,
  };
}

/**
 * `fetch` does not say whether it waits for a connection or for an answer. After the connect timeout without either, a second connection tells:
 * where none opens, the provider is unreachable and there is no point in waiting longer.
 */
function probe(url: URL, connectMs: number, fail: (error: UpstreamError) => void): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: url.hostname, port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80), timeout: PROBE_MS });
    const settle = (reached: boolean): void => {
      socket.destroy();
      if (!reached) fail(new UpstreamError('connect', `no connection within ${connectMs} ms`));
      resolve();
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
  });
}

function connectFault(cause: unknown): UpstreamError {
  const code = (cause as { code?: string } | null)?.code;
  const words =
    code === 'ConnectionRefused' ? 'connection refused' : code === 'ConnectionClosed' ? 'the connection was closed before the answer' : 'no connection';
  return new UpstreamError('connect', words, { cause });
}

type Timed = {
  readonly response: Response;
  readonly readMs: number;
  readonly clock: Clock;
  readonly call: AbortController;
  readonly signal: Cancellation;
  readonly done: () => void;
};

function timedResponse(timed: Timed): UpstreamResponse {
  const { response, readMs, clock, call, signal, done } = timed;
  const timeout = (): UpstreamError => new UpstreamError('timeout', `silent for ${readMs} ms in the middle of the answer`);
  const broken = (cause: unknown): unknown => {
    if (signal.aborted) return signal.reason;
    return cause instanceof UpstreamError ? cause : new UpstreamError('broken', 'the connection broke in the middle of the answer', { cause });
  };

  return {
    status: response.status,
    headers: response.headers,
    async text() {
      const cancel = clock.after(readMs, () => call.abort(timeout()));
      try {
        return await response.text();
      } catch (cause) {
        throw broken(call.signal.reason instanceof UpstreamError ? call.signal.reason : cause);
      } finally {
        cancel();
        done();
      }
    },
    async *chunks() {
      if (response.body === null) return;
      const reader = response.body.getReader();
      const watch = silenceWatch(clock, readMs, () => call.abort(timeout()));
      let ended = false;
      try {
        for (;;) {
          watch.listen();
          const { done: over, value } = await reader.read();
          watch.pause();
          if (over) break;
          yield value;
        }
        ended = true;
      } catch (cause) {
        ended = true;
        throw broken(call.signal.reason instanceof UpstreamError ? call.signal.reason : cause);
      } finally {
        watch.stop();
        done();
        // Left early: the upstream must hear of it now, not when the garbage collector does.
        if (!ended) call.abort();
      }
    },
  };
}

/**
 * One timer for a whole stream instead of one a read: it looks since when we wait, and sleeps for what is left. Time in which our own caller
 * is slow to take a piece is not the provider's silence.
 */
function silenceWatch(clock: Clock, readMs: number, silent: () => void): { listen: () => void; pause: () => void; stop: () => void } {
  let listeningSince: number | null = null;
  const look = (): void => {
    const left = listeningSince === null ? readMs : readMs - (clock.monotonic() - listeningSince);
    if (left <= 0) silent();
    else cancel = clock.after(left, look);
  };
  let cancel = clock.after(readMs, look);
  return {
    listen: () => {
      listeningSince = clock.monotonic();
    },
    pause: () => {
      listeningSince = null;
    },
    stop: () => cancel(),
  };
}
