import { connect, createServer, type Server, type Socket } from 'node:net';

/** A wire to a server, on which things go wrong. */
export type Link = {
  /** Where it begins. */
  readonly port: number;
  /** As when the server was killed: connections break, and new ones are refused. */
  readonly cut: () => Promise<void>;
  /** As when it stands still or a firewall swallows everything: connections stay and come about, and nothing passes. */
  readonly freeze: () => void;
  readonly mend: () => Promise<void>;
};

export async function openLink(target: { readonly host: string; readonly port: number }): Promise<Link> {
  const sockets = new Set<Socket>();
  let frozen = false;
  let port = 0;
  let server: Server | null = null;

  const pass = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    from.on('drain', () => frozen || to.resume());
    from.on('error', () => undefined);
    from.on('close', () => {
      sockets.delete(from);
      if (!frozen) to.destroy();
    });
    if (frozen) from.pause();
  };
  const listen = async (): Promise<void> => {
    server = createServer((caller) => {
      const called = connect(target);
      pass(caller, called);
      pass(called, caller);
    });
    const listening = server;
    await new Promise<void>((resolve, reject) => listening.once('error', reject).listen(port, '127.0.0.1', resolve));
    port = (listening.address() as { port: number }).port;
  };
  await listen();
  return {
    port,
    async cut() {
      const closed = new Promise((resolve) => server?.close(resolve));
      server = null;
      for (const socket of sockets) socket.resetAndDestroy();
      await closed;
    },
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    async mend() {
      frozen = false;
      for (const socket of sockets) socket.resume();
      if (server === null) await listen();
    },
  };
}
