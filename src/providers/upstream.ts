import { Canceller } from '../core/cancellation.ts';
import type { EventBatches, ModelEvent } from '../core/events.ts';
import type { ModelRequest } from '../core/model-request.ts';
import { type BodyPieces, type Call, UpstreamError, type UpstreamResponse } from '../core/provider.ts';
import { retryAfterMs } from '../core/retry-after.ts';
import { type JsonObject, parseObject } from '../wire/read-json.ts';
import { type SseEvent, sseDecoder } from '../wire/sse.ts';
import { type AnswerCodec, frameOf, type StreamDecoder } from '../wire/upstream-codec.ts';
import { faultOfStatus } from '../wire/upstream-fault.ts';

/** What all upstreams over HTTP have in common, whatever they speak: how they are addressed, and how their answers are read. */
export type Upstream = {
  /** `headers` are the caller's, and never stand in the place of ours. */
  readonly post: (url: string, body: JsonObject, call: Call, headers?: HeaderValues) => Promise<UpstreamResponse>;
  /** A body that is made while it goes out. */
  readonly postPieces: (url: string, sent: SentPieces, call: Call) => Promise<UpstreamResponse>;
  readonly get: (url: string, call: Call) => Promise<UpstreamResponse>;
  /** What an answer with an error status means. */
  readonly fault: (response: UpstreamResponse, body: string) => UpstreamError;
  /** The same of one that was told in another answer. */
  readonly faultOf: (status: number, body: string) => UpstreamError;
  readonly redacted: (cause: unknown) => unknown;
  /** A sign of life. */
  readonly check: (url: string, call: Call) => Promise<void>;
};

type SentPieces = { readonly type: string; readonly pieces: BodyPieces; readonly headers?: HeaderValues | undefined };
type HeaderValues = Readonly<Record<string, string>>;
type Addressing = {
  readonly apiKey: string | null;
  /** Those that carry the key, and all others that the provider wants to see. */
  readonly ownHeaders: HeaderValues;
  /** Those that the configuration adds. */
  readonly headers?: HeaderValues | undefined;
};

/** Made ready once for all calls. */
export function httpUpstream({ apiKey, ownHeaders, headers }: Addressing): Upstream {
  const configured = lowerCased(headers ?? {});
  const getHeaders = { accept: 'application/json', 'user-agent': 'sluice', ...ownHeaders, ...configured };
  const postHeaders = { ...getHeaders, 'content-type': 'application/json' };
  const redact = redactor([apiKey ?? '', ...Object.values(configured)]);
  const fault = (response: UpstreamResponse, body: string): UpstreamError =>
    redact(faultOfStatus({ status: response.status, retryAfterMs: retryAfterMs(response.headers) }, body));
  const get = (url: string, call: Call): Promise<UpstreamResponse> => call.send({ method: 'GET', url, headers: getHeaders, signal: call.signal });

  return {
    get,
    fault,
    faultOf: (status, body) => redact(faultOfStatus({ status, retryAfterMs: null }, body)),
    postPieces: (url, { type, pieces, headers: more }, call) =>
      call.send({ method: 'POST', url, headers: { ...more, ...getHeaders, 'content-type': type }, pieces, signal: call.signal }),
    post: (url, body, call, more) =>
      call.send({
        method: 'POST',
        url,
        headers: more === undefined ? postHeaders : { ...more, ...postHeaders },
        body: JSON.stringify(body),
        signal: call.signal,
      }),
    redacted: (cause) => (cause instanceof UpstreamError ? redact(cause) : cause),
    async check(url, call) {
      const response = await get(url, call);
      const body = await response.text();
      const found = response.status === 200 ? null : fault(response, body);
      // A server that has no list of models, or limits our rate, is alive all the same.
      if (found && (found.fault === 'unauthorized' || found.fault === 'failed')) throw found;
    },
  };
}

export function lowerCased(headers: HeaderValues): HeaderValues {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

export function joinUrl(baseUrl: string, path: string): string {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
  return url.href;
}

/** A key is at least this long; shorter header values are words that occur in messages by themselves. */
const SECRET_CHARS_MIN = 8;

/** Providers quote the key that they do not like, whole or in part. */
export function redactor(secrets: readonly string[]): (error: UpstreamError) => UpstreamError {
  const long = secrets.filter((secret) => secret.length >= SECRET_CHARS_MIN);
  return (error) => {
    if (error.words === null) return error;
    let words = error.words.replace(/\b(sk|key|pk)-[\w*.-]{4,}/g, '[key]');
    for (const secret of long) words = words.replaceAll(secret, '[key]');
    return new UpstreamError(error.fault, error.message, {
      words,
      retryAfterMs: error.retryAfterMs,
      code: error.code,
      param: error.param,
      ...(error.status === null ? {} : { status: error.status }),
    });
  };
}

export type Asked = {
  readonly response: UpstreamResponse;
  readonly codec: AnswerCodec;
  /** Whether it was asked in the caller's own words, so that the caller gets the answer in the provider's. */
  readonly inOwnWords: boolean;
  /** What a server leaves unsaid at the end of its streams. */
  readonly lastWord?: SseEvent | undefined;
};

/** Asks, and reads the answer as it comes: of a stream a batch for each read that said something. */
export async function* answer(upstream: Upstream, request: ModelRequest, call: Call, ask: () => Promise<Asked>): EventBatches {
  const asked = await ask();
  const { response, codec, inOwnWords } = asked;
  try {
    if (request.stream && !isJson(response)) {
      yield* streamed(asked, codec.streamDecoder(request.model), call);
      return;
    }
    const text = await response.text();
    const events = codec.decodeAnswer(parseObject(text), request.model);
    // A caller who wants a stream has no use for the words of a whole answer.
    yield inOwnWords && !request.stream ? [{ type: 'frame', event: null, data: text }, ...events] : events;
  } catch (cause) {
    throw upstream.redacted(cause);
  }
}

function isJson(response: UpstreamResponse): boolean {
  return response.headers.get('content-type')?.startsWith('application/json') ?? false;
}

async function* streamed({ response, inOwnWords, lastWord }: Asked, decoder: StreamDecoder, call: Call): EventBatches {
  const sse = sseDecoder();
  const readInto = inOwnWords ? readFramesInto : readEventsInto;
  const chunks: AsyncIterator<Uint8Array, unknown> = response.chunks()[Symbol.asyncIterator]();
  try {
    while (!decoder.ended()) {
      const read = await chunks.next();
      const events = read.done ? unsaid(lastWord) : sse.push(read.value);
      const batch: ModelEvent[] = [];
      const fault = readInto(batch, events, decoder);
      // What was said before the fault counts, however the reads fell.
      if (batch.length > 0) yield batch;
      if (fault) throw fault;
      if (read.done) break;
    }
    decoder.end();
    await drained(chunks, call);
  } finally {
    // Not awaited: where a read is still under way, it would be waited for.
    void chunks.return?.();
  }
}

function unsaid(lastWord: SseEvent | undefined): readonly SseEvent[] {
  return lastWord === undefined ? [] : [lastWord];
}

function readEventsInto(batch: ModelEvent[], events: readonly SseEvent[], decoder: StreamDecoder): UpstreamError | null {
  try {
    for (const event of events) batch.push(...decoder.push(event));
    return null;
  } catch (cause) {
    if (cause instanceof UpstreamError) return cause;
    throw cause;
  }
}

/** Each event as it came, before what it says. An error is none, and neither is what comes after the end. */
function readFramesInto(batch: ModelEvent[], events: readonly SseEvent[], decoder: StreamDecoder): UpstreamError | null {
  try {
    for (const event of events) {
      if (decoder.ended()) return null;
      const said = decoder.push(event);
      batch.push(frameOf(event), ...said);
    }
    return null;
  } catch (cause) {
    if (cause instanceof UpstreamError) return cause;
    throw cause;
  }
}

/** How long a body may take to be over after its last word. */
const DRAIN_MS = 250;

/**
 * Reads what is left of a body whose last word was said, usually nothing: a body that is read to its end leaves a connection for the next
 * call. A server that keeps it open is not waited for.
 */
async function drained(chunks: AsyncIterator<Uint8Array, unknown>, call: Call): Promise<void> {
  const waiting = new Canceller();
  const rest = async (): Promise<void> => {
    while (!waiting.aborted && !(await chunks.next()).done);
  };
  // The answer is whole: nothing that goes wrong now changes it.
  await Promise.race([rest().catch(ignore), call.sleep(DRAIN_MS, waiting).catch(ignore)]);
  waiting.abort(null);
}

function ignore(): void {}
