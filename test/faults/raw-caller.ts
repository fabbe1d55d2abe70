import { connect } from 'node:net';

/** A caller who writes HTTP by hand, as slowly as it likes. */
export type RawCaller = {
  /** What came back until now. */
  readonly received: () => string;
  /** Resolves when the connection is over, whoever ended it: how long it was open. */
  readonly closedAfterMs: Promise<number>;
  readonly write: (text: string) => void;
  readonly leave: () => void;
};

/** `text` at once, and then `drop` again and again. */
type Manner = { readonly text: string; readonly drop?: string; readonly everyMs?: number; readonly reads?: boolean };

export function callRaw(url: string, { text, drop = '', everyMs = 500, reads = true }: Manner): RawCaller {
  const beganAt = performance.now();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let received = '';
  const dropping = setInterval(() => drop !== '' && socket.writable && socket.write(drop), everyMs);
  socket.on('connect', () => socket.write(text));
  if (reads) {
    socket.on('data', (piece) => {
      received += piece.toString();
    });
  }
  // To be cut off is what most of these are here for.
  socket.on('error', () => undefined);
  const closedAfterMs = new Promise<number>((resolve) => {
    socket.on('close', () => {
      clearInterval(dropping);
      resolve(performance.now() - beganAt);
    });
  });
  return { received: () => received, closedAfterMs, write: (more) => void socket.write(more), leave: () => void socket.destroy() };
}

/** A request whose body is announced and not sent. */
export function headOf(path: string, bodyBytes: number): string {
  return `POST ${path} HTTP/1.1\r\nhost: sluice.test\r\ncontent-type: application/json\r\ncontent-length: ${bodyBytes}\r\n\r\n`;
}
