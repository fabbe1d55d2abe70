import type { Socket, SocketHandler, TLSOptions } from 'bun';
import type { Clock } from '../../app.ts';
import { Silence } from './silence.ts';

/** Whoever uses a connection is told what happens on it. */
export type ConnectionUser = {
  readonly opened?: () => void;
  /** The other side has shown who it is; the error says why it is not believed. */
  readonly secured?: (refused: Error | null) => void;
  readonly received: (bytes: Buffer) => void;
  /** The system takes more after it took only a part. */
  readonly drained: () => void;
  /** Nothing came, or was taken, for as long as the user listens. */
  readonly silent: (limitMs: number) => void;
  /** By the other side: in order, or by an error. What we close ourselves is not told. */
  readonly closed: (cause: Error | null) => void;
};

export type Place = { readonly hostname: string; readonly port: number; readonly tls?: TLSOptions };

/** A socket of the runtime, with one user after the other. */
export class Connection {
  /** Nobody while it is idle. */
  user: ConnectionUser | null;
  isOpen = true;
  /** When its last user left, it was to be kept until then; 0 where it has its first one. */
  idleUntil = 0;
  readonly #silence: Silence;
  #socket: Socket<Connection> | null = null;
  #isPaused = false;

  constructor(clock: Clock, user: ConnectionUser | null) {
    this.user = user;
    this.#silence = new Silence(clock, (limitMs) => this.user?.silent(limitMs));
  }

  open(place: Place): void {
    Bun.connect<Connection>({ ...place, data: this, socket: HANDLERS }).catch(() => undefined);
  }

  /** Speaks TLS from here on, on a connection that a proxy passes through. */
  secure(tls: TLSOptions): void {
    if (this.#socket === null) return;
    const [raw, secured] = this.#socket.upgradeTLS<Connection>({ data: this, tls, socket: HANDLERS });
    // It would tell what goes by in cipher.
    raw.reload({ socket: { data: () => undefined } });
    this.#socket = secured;
  }

  /** How many bytes the system took; -1 when the connection is over. */
  write(data: string | Buffer): number {
    return this.#socket?.write(data) ?? -1;
  }

  /** Its user waits, and for this long at most. */
  listen(limitMs: number): void {
    this.#silence.listen(limitMs);
  }

  ignore(): void {
    this.#silence.pause();
  }

  rest(until: number): void {
    this.user = null;
    this.idleUntil = until;
    this.#silence.pause();
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket?.resume();
  }

  /** In order, when nothing is under way. */
  end(): void {
    this.#leave();
    this.#socket?.end();
  }

  /** At once: the other side is to hear that nobody wants the rest. */
  reset(): void {
    this.#leave();
    this.#socket?.terminate();
  }

  #leave(): void {
    this.user = null;
    this.isOpen = false;
    this.#silence.stop();
  }

  /** Called by the handlers below, and by nobody else; so are `received` and `closed`. */
  opened(socket: Socket<Connection>): void {
    this.#socket = socket;
    // Given up while it was being opened.
    if (!this.isOpen) socket.terminate();
    this.user?.opened?.();
  }

  received(bytes: Buffer): void {
    // Bytes that nobody asked for are no answer to the next call.
    if (this.user === null) this.reset();
    else this.user.received(bytes);
  }

  closed(cause: Error | null): void {
    const { user } = this;
    this.#leave();
    user?.closed(cause);
  }
}

/** For all connections the same ones. */
const HANDLERS: SocketHandler<Connection> = {
  open: (socket) => socket.data.opened(socket),
  handshake: (socket, isTrusted, error) => socket.data.user?.secured?.(isTrusted ? null : (error ?? new Error('the certificate is not trusted'))),
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.user?.drained(),
  close: (socket, error) => socket.data.closed(error ?? null),
  connectError: (socket, error) => socket.data.closed(error),
  error(socket, error) {
    socket.data.closed(error);
    socket.terminate();
  },
};
