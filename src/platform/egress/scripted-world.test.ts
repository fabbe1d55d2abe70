import { type ManualClock, manualClock } from '../../../test/manual-clock.ts';
import { Canceller } from '../../core/cancellation.ts';
import { type Send, UpstreamError, type UpstreamRequest, type UpstreamResponse } from '../../core/provider.ts';
import { createSend } from '../egress.ts';
import { type Peer, type Script, scriptedServer, type ScriptedServer } from '../../../test/scripted-server.ts';

/** A client and a server that says what a test tells it to; for tests alone. */
export type ScriptedWorld = {
  readonly server: ScriptedServer;
  readonly clock: ManualClock;
  readonly send: Send;
  /** POSTs to the server, as far as the test does not say otherwise. */
  readonly ask: (more?: Partial<UpstreamRequest>) => Promise<UpstreamResponse>;
  readonly text: () => Promise<string>;
};

export const TIMES = { connectMs: 10_000, readMs: 20_000, writeMs: 5_000 };
/** A whole answer that leaves its connection to the next call, and the beginning of one in chunks. */
export const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
export const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

const servers: ScriptedServer[] = [];

export function stopServers(): void {
  for (const server of servers.splice(0)) server.stop();
}

export function scriptedWorld(script: Script, tls?: Parameters<typeof scriptedServer>[1]): ScriptedWorld {
  const server = scriptedServer(script, tls);
  servers.push(server);
  const clock = manualClock();
  const send = createSend({
    clock,
    times: () => TIMES,
    allowedOrigins: () => new Set([server.url]),
    proxies: { httpProxy: null, httpsProxy: null, noProxy: [] },
  });
  const ask: ScriptedWorld['ask'] = (more = {}) =>
    send({ method: 'POST', url: `${server.url}/v1`, headers: HEADERS, body: 'hi', signal: new Canceller(), ...more });
  return { server, clock, send, ask, text: async () => (await ask()).text() };
}

const HEADERS = { 'content-type': 'text/plain' };

/** Answers each request with these, each a write of its own. */
export function says(...answer: readonly (string | Uint8Array)[]): Script {
  return {
    asked(_, peer: Peer) {
      for (const each of answer) peer.say(each);
    },
  };
}

export async function faultOf(running: Promise<unknown>): Promise<Pick<UpstreamError, 'fault' | 'message' | 'status'>> {
  try {
    await running;
  } catch (cause) {
    if (cause instanceof UpstreamError) return { fault: cause.fault, message: cause.message, status: cause.status };
    throw cause;
  }
  throw new Error('nothing failed');
}

/** Each piece as text, until the answer ends or `stop` says so. */
export async function readPieces(response: UpstreamResponse, into: string[]): Promise<void> {
  for await (const piece of response.chunks()) into.push(Buffer.from(piece).toString());
}
