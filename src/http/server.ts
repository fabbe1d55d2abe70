import { endOfTurn } from '../core/end-of-turn.ts';
import type { Dispatch, Incoming, Outgoing } from './dispatch.ts';

export type RunningServer = {
  readonly port: number;
  readonly host: string;
  /** Stops taking connections; answers in flight go on. */
  readonly close: () => void;
  /** Cuts what is left. */
  readonly kill: () => Promise<void>;
};

/** In seconds, which the runtime looks at every four. Zero is without limit. */
export type Patience = {
  /** For a body; and anew with each 16 KB for every one of these seconds, so that a byte now and then keeps nobody here. */
  readonly bodyS: number;
  /**
   * For a caller to ask again, or to take what is there for it. For the head of the first request the runtime itself gives 10 s, whatever comes in
   * meanwhile.
   */
  readonly idleS: number;
};

type ServerOptions = { readonly host: string; readonly port: number; readonly patience: Patience };

const REQUEST_BYTES_MAX = 600 * 1024 * 1024;
const WITHOUT_LIMIT = 0;

/** The only file that knows the runtime's server. */
export function startServer(dispatch: Dispatch, { host, port, patience }: ServerOptions): RunningServer {
  const server = Bun.serve({
    hostname: host,
    port,
    maxRequestBodySize: REQUEST_BYTES_MAX,
    idleTimeout: patience.bodyS,
    // In development the runtime prints what a stream threw, and answers with pages of its own.
    development: false,
    async fetch(request, self) {
      const turn: Turn = {
        callers: () => self.timeout(request, patience.idleS),
        ours: () => self.timeout(request, WITHOUT_LIMIT),
      };
      let received = false;
      const incoming: Incoming = {
        request,
        socketAddress: () => self.requestIP(request)?.address ?? '',
        received() {
          received = true;
          turn.ours();
        },
      };
      const out = await dispatch.handle(incoming);
      // Whoever still sends what nobody reads keeps the limit of a body.
      if (received && !out.stream) turn.callers();
      await endOfTurn();
      return toResponse(request, out, turn);
    },
  });
  return {
    port: server.port ?? port,
    host,
    close: () => void server.stop(false),
    kill: () => server.stop(true),
  };
}

/** Who takes time now. When it is we, the deadlines of the calls end it: a stream may be silent for longer than any limit of a connection. */
type Turn = { readonly callers: () => void; readonly ours: () => void };

function toResponse(request: Request, out: Outgoing, turn: Turn): Response {
  const init = { status: out.status, headers: out.headers };
  if (!out.stream) {
    out.over(request.signal.aborted ? 'left' : 'sent');
    return new Response(out.body, init);
  }
  const { stream } = out;
  const source: DirectSource = {
    type: 'direct',
    async pull(controller) {
      let full: Promise<void> | null = null;
      const drained = (): void => {
        full = null;
        turn.ours();
      };
      const sink = {
        write(piece: string | Uint8Array): void | Promise<void> {
          // To add to what nobody takes would count as a sign of life.
          if (full) return full.then(() => sink.write(piece));
          const written = controller.write(piece);
          // A number when the socket took it; a promise when the caller is slower than we are.
          if (written instanceof Promise) {
            turn.callers();
            full = written.then(drained);
            return full;
          }
          void controller.flush();
        },
      };
      try {
        await stream(sink);
        out.over(request.signal.aborted ? 'left' : 'sent');
        turn.callers();
        controller.close();
      } catch (cause) {
        out.over(request.signal.aborted ? 'left' : 'cut');
        if (request.signal.aborted) controller.close();
        // The runtime resets the connection, which is how a caller of raw text learns that this was not the end.
        else throw cause;
      }
    },
  };
  return new Response(new ReadableStream(source as unknown as UnderlyingDefaultSource<Uint8Array>), init);
}

/** The runtime's own kind of stream, which writes to the socket without a queue of its own. */
type DirectSource = {
  readonly type: 'direct';
  pull(controller: { write(piece: string | Uint8Array): number | Promise<number>; flush(): number | Promise<number>; close(): void }): Promise<void>;
};
