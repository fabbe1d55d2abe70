import type { Socket } from 'bun';

/**
 * Callers that are kept busy: each connection asks again as soon as its answer is there. HTTP by hand, so that it costs less than what is
 * measured; every answer is read to its end and checked.
 */
export type Order = {
  readonly port: number;
  /** The bytes of one request. Twelve zeros in it become a number that no other request of this run has. */
  readonly request: string;
  readonly connections: number;
  /** Asks for so long, or so often on each connection. */
  readonly until: { readonly ms: number } | { readonly calls: number };
  readonly check: Check;
};

/** What an answer must hold, how often, and what a stream must say at its end. */
export type Check = { readonly holds: string; readonly times: number; readonly end: string };

export type Load = {
  readonly calls: number;
  readonly failed: number;
  readonly firstFailure: string | null;
  readonly wallMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How often the socket had something to read: shows whether the pieces of streams came one by one. */
  readonly readsPerCall: number;
};

export const FRESH = '000000000000';

type Run = {
  readonly order: Order;
  readonly times: number[];
  readonly endAt: number;
  asked: number;
  reads: number;
  failures: number;
  firstFailure: string | null;
};
type Caller = { readonly run: Run; readonly over: () => void; left: number; text: string; bodyAt: number; length: number; startedAt: number };

/** Numbers of fresh requests go on over all runs of this process. */
let freshNumbers = 0;

export async function runLoad(order: Order): Promise<Load> {
  const startedAt = performance.now();
  const endAt = 'ms' in order.until ? startedAt + order.until.ms : Number.POSITIVE_INFINITY;
  const run: Run = { order, times: [], endAt, asked: 0, reads: 0, failures: 0, firstFailure: null };
  const left = 'calls' in order.until ? order.until.calls : Number.POSITIVE_INFINITY;
  await Promise.all(Array.from({ length: order.connections }, () => openCaller(run, left)));
  const times = run.times.toSorted((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return {
    calls: times.length,
    failed: run.failures,
    firstFailure: run.firstFailure,
    wallMs: performance.now() - startedAt,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    readsPerCall: run.reads / Math.max(1, times.length),
  };
}

async function openCaller(run: Run, left: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const caller: Caller = { run, over: resolve, left, text: '', bodyAt: -1, length: -1, startedAt: 0 };
  try {
    await Bun.connect<Caller>({
      hostname: '127.0.0.1',
      port: run.order.port,
      data: caller,
      socket: {
        open: ask,
        data: read,
        close(socket) {
          if (socket.data.left > 0) failed(socket.data, `the connection was closed after: ${socket.data.text.slice(-200)}`);
          resolve();
        },
      },
    });
  } catch (cause) {
    failed(caller, `no connection: ${cause instanceof Error ? cause.message : String(cause)}`);
    resolve();
  }
  return promise;
}

function ask(socket: Socket<Caller>): void {
  const caller = socket.data;
  const { run } = caller;
  if (caller.left <= 0 || performance.now() >= run.endAt) {
    caller.left = 0;
    socket.end();
    caller.over();
    return;
  }
  caller.left--;
  caller.text = '';
  caller.bodyAt = -1;
  caller.startedAt = performance.now();
  run.asked++;
  const { request } = run.order;
  socket.write(request.includes(FRESH) ? request.replace(FRESH, String(++freshNumbers).padStart(FRESH.length, '0')) : request);
}

function read(socket: Socket<Caller>, bytes: Buffer): void {
  const caller = socket.data;
  caller.run.reads++;
  caller.text += bytes.toString('latin1');
  if (caller.bodyAt === -1) readHead(caller);
  const body = wholeBody(caller);
  if (body === null) return;
  const problem = problemOf(caller, body);
  if (problem !== null) failed(caller, problem);
  caller.run.times.push(performance.now() - caller.startedAt);
  ask(socket);
}

function readHead(caller: Caller): void {
  const end = caller.text.indexOf('\r\n\r\n');
  if (end === -1) return;
  const announced = /content-length: ?(\d+)/i.exec(caller.text.slice(0, end))?.[1];
  caller.bodyAt = end + 4;
  caller.length = announced === undefined ? -1 : Number(announced);
}

function wholeBody({ text, bodyAt, length }: Caller): string | null {
  if (bodyAt === -1) return null;
  if (length >= 0) return text.length >= bodyAt + length ? text.slice(bodyAt) : null;
  return text.endsWith('0\r\n\r\n') ? unchunked(text, bodyAt) : null;
}

/** Null while the last chunk has not come: the text ended like one by chance. */
function unchunked(text: string, bodyAt: number): string | null {
  let body = '';
  for (let at = bodyAt; at < text.length;) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (size === 0) return body;
    if (!(size > 0)) return null;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
  return null;
}

function problemOf({ run, text }: Caller, body: string): string | null {
  const { holds, times, end } = run.order.check;
  if (!text.startsWith('HTTP/1.1 200')) return `not 200: ${text.slice(0, 400)}`;
  let found = 0;
  for (let at = body.indexOf(holds); at !== -1; at = body.indexOf(holds, at + holds.length)) found++;
  if (found !== times) return `"${holds.slice(0, 20)}" ${found} times instead of ${times} in: ${body.slice(0, 400)}`;
  return body.includes(end) ? null : `no "${end}" at the end of: ${body.slice(-400)}`;
}

function failed({ run }: Caller, problem: string): void {
  run.failures++;
  run.firstFailure ??= problem;
}
