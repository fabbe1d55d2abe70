import { errorBodyOf, type Frame, type Reply, type Vendor } from './reply.ts';
import type { Garble, Rule } from './rule.ts';

/** What happens on the wire, in order, when a reply is played under a rule. */
export type Act =
  | { readonly do: 'send'; readonly bytes: string | Uint8Array; readonly pieces?: number }
  | { readonly do: 'wait'; readonly ms: number }
  /** Nothing more, ever. */
  | { readonly do: 'stall' }
  | { readonly do: 'break'; readonly how: 'close' | 'reset' }
  | { readonly do: 'end' };

type Whole = Extract<Reply, { kind: 'whole' }>;
type Stream = Extract<Reply, { kind: 'stream' }>;
type Framing = { readonly rule: Rule; readonly vendor: Vendor; readonly requestId: string };

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};
// Of one place and the same on every answer, so that nobody can mistake them for something measured.
const LIMIT_HEADERS = 'x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9999\r\nx-ratelimit-reset-requests: 6ms\r\n';
const END_OF_CHUNKS = '0\r\n\r\n';
const STALL: Act = { do: 'stall' };
const END: Act = { do: 'end' };

export function plan(reply: Reply, framing: Framing): Act[] {
  const { rule } = framing;
  const acts: Act[] = rule.delayMs === undefined ? [] : [{ do: 'wait', ms: rule.delayMs }];
  if (rule.stall === true) return [...acts, STALL];
  if (rule.cut === 'before-head') return [...acts, breakOf(rule)];
  const inOnePiece = reply.kind === 'whole' || ['html', 'gzip-cut', 'content-length'].includes(rule.garble?.kind ?? '');
  if (!inOnePiece) return [...acts, ...withHead(streamHead(reply, framing), rule, () => streamActs(reply, framing))];
  const whole = garbled(reply.kind === 'whole' ? reply : inOneBody(reply), framing);
  const body = typeof whole.body === 'string' ? Buffer.from(whole.body) : whole.body;
  const half = body.subarray(0, Math.floor(body.length / 2));
  const head = headOf(whole, framing, announcedLength(rule, body, half));
  return [...acts, ...withHead(head, rule, () => bodyActs(rule, body, half))];
}

/** The bytes of a whole reply to which nothing happens. */
export function plainBytes(reply: Whole, framing: Framing): string | Uint8Array {
  if (typeof reply.body === 'string') return headOf(reply, framing, Buffer.byteLength(reply.body)) + reply.body;
  return Buffer.concat([Buffer.from(headOf(reply, framing, reply.body.byteLength)), reply.body]);
}

function withHead(head: string, rule: Rule, rest: () => Act[]): Act[] {
  if (rule.cut === 'mid-head') return [{ do: 'send', bytes: head.slice(0, Math.floor(head.length / 2)) }, breakOf(rule)];
  const sent: Act = { do: 'send', bytes: head };
  if (rule.stall === 'after-head') return [sent, STALL];
  if (rule.cut === 'after-head') return [sent, breakOf(rule)];
  return [sent, ...rest()];
}

function bodyActs(rule: Rule, body: Uint8Array, half: Uint8Array): Act[] {
  if (rule.garble?.kind === 'bad-chunk-size')
    return [
      { do: 'send', bytes: 'zz\r\n' },
      { do: 'send', bytes: half },
      { do: 'break', how: 'close' },
    ];
  if (rule.stallAfter !== undefined) return [{ do: 'send', bytes: half }, STALL];
  if (rule.cutAfter !== undefined) return [{ do: 'send', bytes: half }, rule.cutHow === 'clean' ? END : breakOf(rule)];
  return [{ do: 'send', bytes: body }, rule.garble?.kind === 'content-length' ? { do: 'break', how: 'close' } : END];
}

/** Null is for a body in chunks. */
function announcedLength(rule: Rule, body: Uint8Array, half: Uint8Array): number | null {
  if (rule.garble?.kind === 'bad-chunk-size') return null;
  if (rule.garble?.kind === 'content-length') return body.length + 100;
  return rule.cutAfter !== undefined && rule.cutHow === 'clean' ? half.length : body.length;
}

function streamActs(reply: Stream, { rule, vendor }: Framing): Act[] {
  const acts: Act[] = [];
  let pieces = 0;
  const say = (text: string): void => void acts.push({ do: 'send', bytes: chunked(text), pieces });
  for (const frame of framesUnder(reply.frames, rule, vendor)) {
    if (isDue(frame, rule.stallAfter, pieces)) return [...acts, STALL];
    if (isDue(frame, rule.cutAfter, pieces)) {
      if (rule.cutWithFinish === true) for (const each of reply.frames) if (each.kind === 'finish') say(frameText(each));
      return [...acts, ...(rule.cutHow === 'clean' ? endOfStream() : [breakOf(rule)])];
    }
    if (frame.kind === 'raw') return [...acts, { do: 'send', bytes: frame.data }, { do: 'break', how: 'close' }];
    if (frame.kind === 'piece') {
      if (rule.chunkDelayMs !== undefined) acts.push({ do: 'wait', ms: rule.chunkDelayMs });
      pieces += 1;
    }
    say(frameText(frame));
  }
  return [...acts, ...endOfStream()];
}

function endOfStream(): Act[] {
  return [{ do: 'send', bytes: END_OF_CHUNKS }, END];
}

type PlannedFrame = Frame | { readonly kind: 'raw'; readonly data: string; readonly event?: string };

/** The events of a stream as the rule spoils them. */
function framesUnder(frames: readonly Frame[], rule: Rule, vendor: Vendor): readonly PlannedFrame[] {
  const { garble } = rule;
  if (garble === undefined) return frames;
  if (garble.kind === 'no-done') return frames.filter((frame) => frame.kind !== 'done');
  if (garble.kind === 'extra-fields') return frames.map((frame) => ({ ...frame, data: withExtraFields(frame.data) }));
  if (!('at' in garble) && !['bad-json', 'error-object', 'bad-chunk-size'].includes(garble.kind)) return frames;
  const at = spoiledAt(frames, garble);
  const spoiled = spoiledFrame(garble, vendor);
  return garble.kind === 'bad-json' ? [...frames.slice(0, at), spoiled, ...frames.slice(at + 1)] : [...frames.slice(0, at), spoiled];
}

function spoiledAt(frames: readonly Frame[], garble: Garble): number {
  const after = 'at' in garble ? (garble.at ?? 0) : 0;
  let pieces = 0;
  return frames.findIndex((frame) => isDue(frame, after, frame.kind === 'piece' ? pieces++ : pieces));
}

function spoiledFrame(garble: Garble, vendor: Vendor): PlannedFrame {
  if (garble.kind === 'bad-json') return { kind: 'piece', data: '{"broken": ' };
  if (garble.kind === 'bad-chunk-size') return { kind: 'raw', data: 'zz\r\ndata: {}\n\n\r\n' };
  return { kind: 'finish', ...(vendor === 'anthropic' ? { event: 'error' } : {}), data: JSON.stringify(errorBodyOf(vendor, 500)) };
}

/** Whether this event would be the one after so many pieces; with fewer pieces, the one that ends the answer. */
function isDue(frame: PlannedFrame, after: number | undefined, pieces: number): boolean {
  return after !== undefined && frame.kind !== 'open' && (frame.kind !== 'piece' || pieces >= after);
}

function inOneBody(reply: Stream): Whole {
  return { ...reply, kind: 'whole', status: 200, type: 'text/event-stream', body: reply.frames.map(frameText).join('') };
}

function garbled(reply: Whole, { rule, vendor }: Framing): Whole {
  const text = typeof reply.body === 'string' ? reply.body : '';
  switch (rule.garble?.kind) {
    case 'html':
      return { ...reply, type: 'text/html', body: '<!doctype html><title>502 Bad Gateway</title><h1>Bad Gateway</h1>' };
    case 'bad-json':
      return { ...reply, body: `${text.slice(0, Math.floor(text.length / 2))}<<<` };
    case 'error-object':
      return { ...reply, status: 200, body: JSON.stringify(errorBodyOf(vendor, 500)) };
    case 'extra-fields':
      return { ...reply, body: withExtraFields(text) };
    case 'gzip-cut': {
      const packed = Bun.gzipSync(text);
      return { ...reply, headers: { ...reply.headers, 'content-encoding': 'gzip' }, body: packed.slice(0, Math.floor(packed.length / 2)) };
    }
    default:
      return reply;
  }
}

function withExtraFields(text: string): string {
  return text.startsWith('{') && text !== '{}' ? `{"x_fake_unknown":{"nested":[1,null]},${text.slice(1)}` : text;
}

function frameText(frame: PlannedFrame): string {
  return frame.event === undefined ? `data: ${frame.data}\n\n` : `event: ${frame.event}\ndata: ${frame.data}\n\n`;
}

function chunked(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

function streamHead(reply: Stream, framing: Framing): string {
  return headOf({ ...reply, kind: 'whole', status: 200, type: 'text/event-stream; charset=utf-8', body: '' }, framing, null);
}

function headOf(reply: Whole, { rule, vendor, requestId }: Framing, length: number | null): string {
  const { headers } = reply;
  let head = `HTTP/1.1 ${reply.status} ${REASONS[reply.status] ?? 'Fake'}\r\ncontent-type: ${reply.type ?? 'application/json'}\r\n`;
  head += vendor === 'anthropic' ? `request-id: ${requestId}\r\n` : `x-request-id: ${requestId}\r\n${LIMIT_HEADERS}`;
  head += length === null ? 'transfer-encoding: chunked\r\n' : `content-length: ${length}\r\n`;
  for (const [name, value] of Object.entries({ ...headers, ...rule.headers })) head += `${name}: ${value}\r\n`;
  return `${head}\r\n`;
}

function breakOf(rule: Rule): Act {
  return { do: 'break', how: rule.cutHow === 'reset' ? 'reset' : 'close' };
}
