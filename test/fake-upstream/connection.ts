import type { Socket } from 'bun';

/**
 * HTTP/1.1 by hand on a bare socket: an upstream that breaks off in the middle of its head, announces a wrong length or sends half a
 * chunk cannot be played by an HTTP library, which exists to make that impossible.
 */
export type HttpRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly connection: number;
};

/** The way back to the caller; `done` is called once, when the answer is out. */
export type Wire = {
  readonly send: (bytes: string | Uint8Array) => Promise<void> | undefined;
  readonly done: () => void;
  readonly close: (how: 'close' | 'reset') => void;
  readonly isOpen: () => boolean;
  /** Returns early when the caller has gone. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly whenClosed: (run: () => void) => void;
};

export type Listening = { readonly port: number; readonly counts: ConnectionCounts; readonly stop: () => void };
export type ConnectionCounts = { open: number; peak: number; total: number };

type Connection = {
  readonly id: number;
  /** What was received and not yet served: the first `length` bytes of `store`, which doubles, so that a large upload is not copied again and again. */
  store: Buffer;
  length: number;
  busy: boolean;
  closed: boolean;
  unsent: Buffer[];
  drained: (() => void)[];
  sleepers: Set<() => void>;
  onClose: (() => void)[];
};
type Handle = (request: HttpRequest, wire: Wire) => void;

const HEAD_END = Buffer.from('\r\n\r\n');
const EMPTY = Buffer.alloc(0);

export function listen(options: { readonly hostname: string; readonly port: number }, handle: Handle): Listening {
  const counts: ConnectionCounts = { open: 0, peak: 0, total: 0 };
  const sockets = new Set<Socket<Connection>>();
  const listener = Bun.listen<Connection>({
    ...options,
    socket: {
      open(socket) {
        counts.open += 1;
        counts.total += 1;
        counts.peak = Math.max(counts.peak, counts.open);
        sockets.add(socket);
        socket.data = { id: counts.total, store: EMPTY, length: 0, busy: false, closed: false, unsent: [], drained: [], sleepers: new Set(), onClose: [] };
      },
      data(socket, chunk) {
        append(socket.data, chunk);
        serveNext(socket, handle);
      },
      drain: flush,
      close(socket) {
        counts.open -= 1;
        sockets.delete(socket);
        closed(socket.data);
      },
      error(socket) {
        socket.terminate();
      },
    },
  });
  return {
    port: listener.port,
    counts,
    stop() {
      listener.stop(true);
      for (const socket of sockets) socket.terminate();
    },
  };
}

function closed(connection: Connection): void {
  if (connection.closed) return;
  connection.closed = true;
  for (const run of [...connection.onClose, ...connection.drained, ...connection.sleepers]) run();
  connection.onClose = [];
  connection.drained = [];
}

function append(connection: Connection, chunk: Buffer): void {
  const length = connection.length + chunk.length;
  if (length > connection.store.length) {
    const larger = Buffer.allocUnsafe(connection.length === 0 ? length : 2 * length);
    connection.store.copy(larger, 0, 0, connection.length);
    connection.store = larger;
  }
  chunk.copy(connection.store, connection.length);
  connection.length = length;
}

function serveNext(socket: Socket<Connection>, handle: Handle): void {
  const connection = socket.data;
  if (connection.busy || connection.closed) return;
  const parsed = parseRequest(connection.store.subarray(0, connection.length), connection.id);
  if (parsed === 'more') return;
  if (parsed === 'continue') {
    socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    return;
  }
  if (parsed === 'bad') return void socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  // The body is a view of the old store, which is therefore never written again.
  connection.store = parsed.rest.length === 0 ? EMPTY : Buffer.from(parsed.rest);
  connection.length = parsed.rest.length;
  connection.busy = true;
  handle(parsed.request, wireOf(socket, handle));
}

function wireOf(socket: Socket<Connection>, handle: Handle): Wire {
  const connection = socket.data;
  return {
    send: (bytes) => send(socket, bytes),
    done() {
      connection.busy = false;
      connection.onClose = [];
      if (connection.length > 0) queueMicrotask(() => serveNext(socket, handle));
    },
    close(how) {
      // What is closed by us must not look as if the caller had gone.
      connection.onClose = [];
      if (how === 'reset') socket.terminate();
      else socket.end();
    },
    isOpen: () => !connection.closed,
    async sleep(ms) {
      if (connection.closed) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      connection.sleepers.add(resolve);
      await promise;
      clearTimeout(timer);
      connection.sleepers.delete(resolve);
    },
    whenClosed(run) {
      connection.onClose.push(run);
    },
  };
}

function send(socket: Socket<Connection>, bytes: string | Uint8Array): Promise<void> | undefined {
  const connection = socket.data;
  if (connection.closed) return undefined;
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const written = connection.unsent.length > 0 ? 0 : Math.max(0, socket.write(buffer));
  if (written === buffer.length) return undefined;
  connection.unsent.push(buffer.subarray(written));
  const { promise, resolve } = Promise.withResolvers<void>();
  connection.drained.push(resolve);
  return promise;
}

function flush(socket: Socket<Connection>): void {
  const connection = socket.data;
  for (let next = connection.unsent[0]; next !== undefined; next = connection.unsent[0]) {
    const written = Math.max(0, socket.write(next));
    if (written < next.length) {
      connection.unsent[0] = next.subarray(written);
      return;
    }
    connection.unsent.shift();
  }
  const waiting = connection.drained;
  connection.drained = [];
  for (const run of waiting) run();
}

type Parsed = { readonly request: HttpRequest; readonly rest: Buffer };

function parseRequest(pending: Buffer, connection: number): Parsed | 'more' | 'continue' | 'bad' {
  const headEnd = pending.indexOf(HEAD_END);
  if (headEnd === -1) return 'more';
  const [requestLine = '', ...headerLines] = pending.toString('latin1', 0, headEnd).split('\r\n');
  const [method, target] = requestLine.split(' ');
  if (method === undefined || target === undefined) return 'bad';
  const headers: Record<string, string> = {};
  for (const line of headerLines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const bodyStart = headEnd + HEAD_END.length;
  const body =
    headers['transfer-encoding'] === 'chunked' ? chunkedBody(pending, bodyStart) : sizedBody(pending, bodyStart, Number(headers['content-length'] ?? 0));
  if (body === null) return headers['expect'] === '100-continue' && pending.length === bodyStart ? 'continue' : 'more';
  const question = target.indexOf('?');
  const path = question === -1 ? target : target.slice(0, question);
  const query = new URLSearchParams(question === -1 ? '' : target.slice(question + 1));
  return { request: { method, path, query, headers, body: body.bytes, connection }, rest: pending.subarray(body.end) };
}

type Body = { readonly bytes: Buffer; readonly end: number };

function sizedBody(pending: Buffer, start: number, length: number): Body | null {
  const end = start + length;
  return pending.length < end ? null : { bytes: pending.subarray(start, end), end };
}

function chunkedBody(pending: Buffer, start: number): Body | null {
  const pieces: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = pending.indexOf('\r\n', at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(pending.toString('latin1', at, lineEnd), 16);
    const pieceEnd = lineEnd + 2 + size;
    if (pending.length < pieceEnd + 2) return null;
    if (!(size > 0)) return { bytes: Buffer.concat(pieces), end: pieceEnd + 2 };
    pieces.push(pending.subarray(lineEnd + 2, pieceEnd));
    at = pieceEnd + 2;
  }
}
