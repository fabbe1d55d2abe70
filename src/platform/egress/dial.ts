import type { TLSOptions } from 'bun';
import type { Clock } from '../../app.ts';
import { UpstreamError } from '../../core/provider.ts';
import { Http1Answer } from '../../wire/http1-answer.ts';
import { Connection } from './connection.ts';
import type { Route } from './route.ts';

/** Opens a connection, and tells the outcome once; what it answers with gives the attempt up. */
export type Dial = (route: Route, limitMs: number, caller: Caller) => () => void;
export type Caller = { readonly connected: (connection: Connection) => void; readonly failed: (fault: UpstreamError) => void };

/**
 * The runtime cannot take back an attempt that is under way: one that was given up lives on until the system gives up too, in two minutes.
 * A host with this many of them is not tried again before that, which keeps a provider that swallows packets from using up all sockets.
 */
const GIVEN_UP_MAX = 512;

export function createDial(clock: Clock): Dial {
  const givenUp = new Map<string, number>();
  const count = (key: string, more: number): void => {
    const now = (givenUp.get(key) ?? 0) + more;
    if (now === 0) givenUp.delete(key);
    else givenUp.set(key, now);
  };

  return (route, limitMs, caller) => {
    const key = `${route.hostname}:${route.port}`;
    if ((givenUp.get(key) ?? 0) >= GIVEN_UP_MAX) {
      caller.failed(new UpstreamError('connect', `no connection: ${GIVEN_UP_MAX} earlier attempts still wait for one`));
      return () => undefined;
    }
    const dialling = new Dialling(clock, route, caller, (more) => count(key, more));
    const stop = clock.after(limitMs, () => dialling.fail(new UpstreamError('connect', `no connection within ${limitMs} ms`)));
    return dialling.begin(stop);
  };
}

const NOBODY = { received: () => undefined, drained: () => undefined, silent: () => undefined };

/** The steps to a connection that a request can be written to: TCP, a proxy's consent where there is one, TLS where the address asks for it. */
class Dialling {
  readonly #route: Route;
  readonly #caller: Caller;
  readonly #countGivenUp: (more: number) => void;
  readonly #connection: Connection;
  #stopClock: () => void = () => undefined;
  #isOver = false;
  #isOpened = false;
  /** The proxy's answer, as long as it is waited for. */
  #consent: Http1Answer | null = null;

  constructor(clock: Clock, route: Route, caller: Caller, countGivenUp: (more: number) => void) {
    this.#route = route;
    this.#caller = caller;
    this.#countGivenUp = countGivenUp;
    this.#connection = new Connection(clock, {
      ...NOBODY,
      opened: () => this.#opened(),
      secured: (refused) => this.#secured(refused),
      received: (bytes) => this.#received(bytes),
      closed: (cause) => this.fail(new UpstreamError('connect', closedWords(cause), { cause })),
    });
  }

  begin(stopClock: () => void): () => void {
    this.#stopClock = stopClock;
    const { hostname, port, tlsName, tunnelTo } = this.#route;
    const tls = tlsName === null || tunnelTo !== null ? {} : { tls: tlsOf(tlsName) };
    this.#connection.open({ hostname, port, ...tls });
    return () => this.#giveUp();
  }

  fail(fault: UpstreamError): void {
    if (this.#isOver) return;
    this.#giveUp();
    this.#caller.failed(fault);
  }

  #opened(): void {
    // The socket that speaks TLS through a proxy opens once more.
    if (this.#isOpened) return;
    this.#isOpened = true;
    const { tunnelTo, tlsName, proxyAuthorization } = this.#route;
    if (tunnelTo === null) {
      if (tlsName === null) this.#connected();
      return;
    }
    this.#consent = new Http1Answer(true);
    const authorization = proxyAuthorization === null ? '' : `proxy-authorization: ${proxyAuthorization}\r\n`;
    this.#connection.write(`CONNECT ${tunnelTo} HTTP/1.1\r\nhost: ${tunnelTo}\r\n${authorization}\r\n`);
  }

  #received(bytes: Buffer): void {
    const { tlsName } = this.#route;
    const consent = this.#consent;
    if (consent === null || tlsName === null) return;
    consent.push(bytes);
    const status = consent.head?.status;
    if (consent.fault !== null) this.fail(new UpstreamError('connect', 'the proxy did not answer in HTTP', { cause: consent.fault }));
    else if (status === undefined) return;
    else if (status > 299) this.fail(new UpstreamError('connect', `the proxy refused to connect with ${status}`));
    else if (consent.hasExcess) this.fail(new UpstreamError('connect', 'the proxy sent more than its consent'));
    else {
      this.#consent = null;
      this.#connection.secure(tlsOf(tlsName));
    }
  }

  #secured(refused: Error | null): void {
    if (refused === null) this.#connected();
    else this.fail(new UpstreamError('connect', `no secure connection to ${this.#route.tlsName ?? ''}: ${words(refused)}`, { cause: refused }));
  }

  #connected(): void {
    this.#isOver = true;
    this.#stopClock();
    this.#connection.user = null;
    this.#caller.connected(this.#connection);
  }

  #giveUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopClock();
    const isUnderWay = !this.#isOpened && this.#connection.isOpen;
    this.#connection.reset();
    if (!isUnderWay) return;
    this.#countGivenUp(1);
    this.#connection.user = { ...NOBODY, closed: () => this.#countGivenUp(-1) };
  }
}

/** The certificate is checked against this name, which is an address where the URL has one. */
function tlsOf(serverName: string): TLSOptions {
  return { serverName, rejectUnauthorized: true, ALPNProtocols: 'http/1.1' };
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ENOTFOUND: 'the name of the host is not known',
  ETIMEDOUT: 'no connection',
};

function closedWords(cause: Error | null): string {
  if (cause === null) return 'the connection was closed before it could be used';
  return WORDS[codeOf(cause)] ?? `no connection: ${words(cause)}`;
}

function words(cause: Error): string {
  const code = codeOf(cause);
  return code === '' || cause.message.includes(code) ? cause.message : `${cause.message} (${code})`;
}

function codeOf(cause: Error): string {
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}
