import type { Socket } from 'bun';
import { modelList, streamEnd, streamPiece, streamStart, wholeAnswer } from './spoken.ts';

/**
 * A provider that costs as little as it can: HTTP by hand on a bare socket, bytes that were made beforehand. Every piece of a stream is a
 * write of its own, so that what stands in front of it has as many reads to do as with a real model.
 */
export type Pace = {
  readonly pieces: number;
  /** Between the pieces of one stream; with 0, each stream that is open gets a piece a turn of the event loop. */
  readonly gapMs: number;
};

type Stream = { readonly startedAt: number; readonly gapMs: number; readonly pieces: number; sent: number };
type Connection = { received: string; unsent: Buffer | null; stream: Stream | null; closed: boolean };
type Client = Socket<Connection>;

export type Simulator = { readonly port: number; readonly set: (pace: Pace) => void };

export function startSimulator(): Simulator {
  let pace: Pace = { pieces: 100, gapMs: 0 };
  const begin = streamStarter(() => pace);
  const listener = Bun.listen<Connection>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open(client) {
        client.data = { received: '', unsent: null, stream: null, closed: false };
      },
      data(client, bytes) {
        client.data.received += bytes.toString('latin1');
        for (let asked = takeRequest(client.data); asked !== null; asked = takeRequest(client.data)) {
          if (asked.startsWith('GET')) write(client, modelList);
          else if (/"stream": ?true/.test(asked)) begin(client);
          else write(client, wholeAnswer);
        }
      },
      drain(client) {
        const { unsent } = client.data;
        client.data.unsent = null;
        if (unsent !== null) write(client, unsent);
      },
      close(client) {
        client.data.closed = true;
      },
      error(client) {
        client.terminate();
      },
    },
  });
  return {
    port: listener.port,
    set(next) {
      pace = next;
    },
  };
}

function streamStarter(pace: () => Pace): (client: Client) => void {
  const hurried = new Set<Client>();
  const turn = (): void => {
    for (const client of hurried) if (!sendNext(client)) hurried.delete(client);
    if (hurried.size > 0) setImmediate(turn);
  };
  return (client) => {
    const stream: Stream = { startedAt: performance.now(), ...pace(), sent: 0 };
    client.data.stream = stream;
    write(client, streamStart);
    if (stream.gapMs > 0) return waitForNext(client, stream);
    if (hurried.size === 0) setImmediate(turn);
    hurried.add(client);
  };
}

/** The first request that is whole, null where none is. */
function takeRequest(connection: Connection): string | null {
  const { received } = connection;
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return null;
  const head = received.slice(0, headEnd);
  const bodyStart = headEnd + 4;
  const announced = /content-length: ?(\d+)/i.exec(head)?.[1];
  const chunkedEnd = /transfer-encoding: ?chunked/i.test(head) ? received.indexOf('0\r\n\r\n', bodyStart) : null;
  const end = chunkedEnd === null ? bodyStart + Number(announced ?? 0) : chunkedEnd + 5;
  if (chunkedEnd === -1 || received.length < end) return null;
  connection.received = received.slice(end);
  return received.slice(0, end);
}

/** On time, however late the one before was: a delay does not add up over a stream. */
function waitForNext(client: Client, stream: Stream): void {
  const due = stream.startedAt + (stream.sent + 1) * stream.gapMs;
  setTimeout(
    () => {
      if (sendNext(client)) waitForNext(client, stream);
    },
    Math.max(0, due - performance.now()),
  );
}

/** Says whether there is more to send. */
function sendNext(client: Client): boolean {
  const { stream, closed } = client.data;
  if (stream === null || closed) return false;
  if (stream.sent < stream.pieces) {
    stream.sent++;
    write(client, streamPiece);
    return true;
  }
  client.data.stream = null;
  write(client, streamEnd);
  return false;
}

function write(client: Client, bytes: Buffer): void {
  const { data } = client;
  if (data.closed) return;
  if (data.unsent !== null) {
    data.unsent = Buffer.concat([data.unsent, bytes]);
    return;
  }
  const written = Math.max(0, client.write(bytes));
  if (written < bytes.length) data.unsent = bytes.subarray(written);
}
