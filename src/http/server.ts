import type { Dispatch, Incoming, Outgoing } from './dispatch.ts';

export type RunningServer = {
  readonly port: number;
  readonly host: string;
  /** Stops taking connections; answers in flight go on. */
  readonly close: () => void;
  /** Cuts what is left. */
  readonly kill: () => Promise<void>;
};

const REQUEST_BYTES_MAX = 600 * 1024 * 1024;

/** The only file that knows the runtime's server. */
export function startServer(dispatch: Dispatch, address: { readonly host: string; readonly port: number }): RunningServer {
  const server = Bun.serve({
    hostname: address.host,
    port: address.port,
    maxRequestBodySize: REQUEST_BYTES_MAX,
    // Streams may be silent for longer than any idle limit; the deadlines of the calls end them.
    idleTimeout: 0,
    // In development the runtime prints what a stream threw, and answers with pages of its own.
    development: false,
    async fetch(request, self) {
      const incoming: Incoming = { request, socketAddress: () => self.requestIP(request)?.address ?? '' };
      return toResponse(request, await dispatch.handle(incoming));
    },
  });
  return {
    port: server.port ?? address.port,
    host: address.host,
    close: () => void server.stop(false),
    kill: () => server.stop(true),
  };
}

function toResponse(request: Request, out: Outgoing): Response {
  const init = { status: out.status, headers: out.headers };
  if (!out.stream) {
    out.over('sent');
    return new Response(out.body, init);
  }
  const { stream } = out;
  const source: DirectSource = {
    type: 'direct',
    async pull(controller) {
      const sink = {
        write(piece: string): void | Promise<void> {
          const written = controller.write(piece);
          // A number when the socket took it; a promise when the caller is slower than we are.
          if (written instanceof Promise) return written as Promise<unknown> as Promise<void>;
          void controller.flush();
        },
      };
      try {
        await stream(sink);
        out.over(request.signal.aborted ? 'left' : 'sent');
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
  pull(controller: { write(piece: string): number | Promise<number>; flush(): number | Promise<number>; close(): void }): Promise<void>;
};
