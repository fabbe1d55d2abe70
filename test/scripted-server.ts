import type { Socket } from 'bun';

/** A server on loopback that says what a test tells it to, byte by byte; for tests alone. */
export type ScriptedServer = {
  readonly port: number;
  readonly url: string;
  /** Requests as they came, head and body. */
  readonly requests: readonly string[];
  /** Bytes so far. */
  readonly heard: () => number;
  readonly opened: () => number;
  readonly open: () => number;
  readonly stop: () => void;
};

export type Peer = {
  /** Counts from 1. */
  readonly number: number;
  readonly say: (bytes: string | Uint8Array) => void;
  /** Writes as fast as it is read; answers with how much went out so far. */
  readonly pour: (bytes: Uint8Array, times: number) => () => number;
  readonly end: () => void;
  readonly reset: () => void;
  readonly stopReading: () => void;
  readonly readOn: () => void;
};

export type Script = {
  readonly opened?: (peer: Peer) => void;
  /** Each request, once it is whole. */
  readonly asked?: (request: string, peer: Peer) => void;
  /** All that comes, as it comes. */
  readonly heard?: (bytes: Buffer, peer: Peer) => void;
};
type State = { readonly peer: Peer; received: string; drain: () => void };

export function scriptedServer(script: Script, tls?: { readonly key: string; readonly cert: string }): ScriptedServer {
  const requests: string[] = [];
  const sockets = new Set<Socket<State>>();
  let opened = 0;
  let heard = 0;
  const listener = Bun.listen<State>({
    hostname: '127.0.0.1',
    port: 0,
    ...(tls === undefined ? {} : { tls }),
    socket: {
      open(socket) {
        opened++;
        sockets.add(socket);
        socket.data = { peer: peerOf(socket, opened), received: '', drain: () => undefined };
        script.opened?.(socket.data.peer);
      },
      data(socket, bytes) {
        heard += bytes.length;
        script.heard?.(bytes, socket.data.peer);
        socket.data.received += bytes.toString('latin1');
        for (let request = takeRequest(socket.data); request !== null; request = takeRequest(socket.data)) {
          requests.push(request);
          script.asked?.(request, socket.data.peer);
        }
      },
      drain: (socket) => socket.data.drain(),
      close: (socket) => void sockets.delete(socket),
      error: (socket) => socket.terminate(),
    },
  });
  return {
    port: listener.port,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${listener.port}`,
    requests,
    heard: () => heard,
    opened: () => opened,
    open: () => sockets.size,
    stop() {
      listener.stop(true);
      for (const socket of sockets) socket.terminate();
    },
  };
}

function peerOf(socket: Socket<State>, number: number): Peer {
  return {
    number,
    say: (bytes) => void socket.write(bytes),
    pour(bytes, times) {
      const total = bytes.length * times;
      let sent = 0;
      const more = (): void => {
        while (sent < total) {
          const taken = Math.max(0, socket.write(bytes.subarray(sent % bytes.length)));
          sent += taken;
          if (taken === 0) return;
        }
      };
      socket.data.drain = more;
      more();
      return () => sent;
    },
    end: () => void socket.end(),
    reset: () => socket.terminate(),
    stopReading: () => socket.pause(),
    readOn: () => socket.resume(),
  };
}

function takeRequest(state: State): string | null {
  const headEnd = state.received.indexOf('\r\n\r\n');
  if (headEnd === -1) return null;
  const length = Number(/^content-length: (\d+)$/m.exec(state.received.slice(0, headEnd))?.[1] ?? 0);
  if (state.received.length < headEnd + 4 + length) return null;
  const request = state.received.slice(0, headEnd + 4 + length);
  state.received = state.received.slice(request.length);
  return request;
}

/** Waits for something outside to come true. */
export async function until(condition: () => boolean, limitMs = 5_000): Promise<void> {
  const lastAt = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > lastAt) throw new Error(`not within ${limitMs} ms: ${condition.toString()}`);
    await Bun.sleep(2);
  }
}
