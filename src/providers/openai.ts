import { Canceller } from '../core/cancellation.ts';
import type { EventBatches, ModelEvent } from '../core/events.ts';
import { isReasoningName } from '../core/model-catalog.ts';
import type { Dialect, ModelRequest } from '../core/model-request.ts';
import { type Call, type ModelFacts, type Provider, UpstreamError, type UpstreamResponse } from '../core/provider.ts';
import { retryAfterMs } from '../core/retry-after.ts';
import { openaiChat } from '../wire/openai-chat.ts';
import { decodeEmbeddings, encodeEmbeddings } from '../wire/openai-embeddings.ts';
import { openaiResponses } from '../wire/openai-responses.ts';
import { parseObject } from '../wire/read-json.ts';
import { type SseEvent, sseDecoder } from '../wire/sse.ts';
import type { ModelTraits, StreamDecoder, UpstreamCodec } from '../wire/upstream-codec.ts';
import { errorOfBody, faultOfStatus } from '../wire/upstream-fault.ts';

export const OPENAI_BASE_URL = 'https://api.openai.com/v1';

export type OpenaiDialect = Extract<Dialect, 'openai-chat' | 'openai-responses'>;

export type OpenaiOptions = {
  readonly id: string;
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** What it speaks; the first where a request does not choose. */
  readonly dialects: readonly [OpenaiDialect, ...OpenaiDialect[]];
  readonly models: readonly ModelFacts[];
  readonly open: boolean;
  readonly describe?: (model: string) => ModelFacts;
  /** Where chat completions are, for a server that has them elsewhere. */
  readonly chatPath?: string;
};

const CODECS: Record<OpenaiDialect, UpstreamCodec> = { 'openai-chat': openaiChat, 'openai-responses': openaiResponses };

/** OpenAI itself, and every server that speaks its API. */
export function openaiProvider(options: OpenaiOptions): Provider {
  const upstream = upstreamOf(options);
  const isOpenai = new URL(options.baseUrl).host === new URL(OPENAI_BASE_URL).host;
  let dialects: readonly OpenaiDialect[] = options.dialects;

  /** Asks in the dialect chosen; a compatible server without the Responses API is asked again by chat, now and from then on. */
  const ask = async (request: ModelRequest, call: Call): Promise<{ response: UpstreamResponse; codec: UpstreamCodec }> => {
    const dialect = chooseDialect(dialects, request);
    const codec = CODECS[dialect];
    const response = await upstream.post(codec.path, JSON.stringify(codec.encodeRequest(request, traitsOf(request.model))), call);
    if (response.status === 200) return { response, codec };
    const body = await response.text();
    const mayLackIt = dialect === 'openai-responses' && !isOpenai && dialects.includes('openai-chat');
    if (!mayLackIt || !lacksRoute(response.status, body)) throw upstream.fault(response, body);
    dialects = ['openai-chat'];
    return ask(request, call);
  };

  return {
    id: options.id,
    origin: new URL(options.baseUrl).origin,
    models: options.models,
    open: options.open,
    ...(options.describe ? { describe: options.describe } : {}),
    async *chat(request, call) {
      const { response, codec } = await ask(request, call);
      try {
        if (request.stream && !isJson(response)) yield* streamed(response, codec.streamDecoder(request.model), call);
        else yield codec.decodeAnswer(parseObject(await response.text()), request.model);
      } catch (cause) {
        throw upstream.redacted(cause);
      }
    },
    async embed(request, call) {
      const response = await upstream.post('/embeddings', JSON.stringify(encodeEmbeddings(request)), call);
      const body = await response.text();
      if (response.status !== 200) throw upstream.fault(response, body);
      return decodeEmbeddings(parseObject(body), request);
    },
    async check(call) {
      const response = await upstream.get('/models', call);
      const body = await response.text();
      const fault = response.status === 200 ? null : upstream.fault(response, body);
      // A server that has no list of models, or limits our rate, is alive all the same.
      if (fault && (fault.fault === 'unauthorized' || fault.fault === 'failed')) throw fault;
    },
  };
}

function traitsOf(model: string): ModelTraits {
  return { reasoning: isReasoningName(model) };
}

function chooseDialect(dialects: readonly OpenaiDialect[], request: ModelRequest): OpenaiDialect {
  const wanted = dialects.find((dialect) => dialect === request.dialect) ?? dialects[0] ?? 'openai-chat';
  if (CODECS[wanted].canSay(request)) return wanted;
  return dialects.find((dialect) => CODECS[dialect].canSay(request)) ?? wanted;
}

/** Whether a server has no such route, as opposed to no such model. */
function lacksRoute(status: number, body: string): boolean {
  if (status === 405 || status === 501) return true;
  if (status !== 404) return false;
  const { code, message } = errorOfBody(body);
  return code !== 'model_not_found' && !/\bmodel\b/i.test(message);
}

function isJson(response: UpstreamResponse): boolean {
  return response.headers.get('content-type')?.startsWith('application/json') ?? false;
}

/** A batch for each read that said something. */
async function* streamed(response: UpstreamResponse, decoder: StreamDecoder, call: Call): EventBatches {
  const sse = sseDecoder();
  const chunks: AsyncIterator<Uint8Array, unknown> = response.chunks()[Symbol.asyncIterator]();
  try {
    while (!decoder.ended()) {
      const read = await chunks.next();
      if (read.done) break;
      const batch: ModelEvent[] = [];
      const fault = readInto(batch, sse.push(read.value), decoder);
      // What was said before the fault counts, however the reads fell.
      if (batch.length > 0) yield batch;
      if (fault) throw fault;
    }
    decoder.end();
    await drained(chunks, call);
  } finally {
    // Not awaited: where a read is still under way, it would be waited for.
    void chunks.return?.();
  }
}

function readInto(batch: ModelEvent[], events: readonly SseEvent[], decoder: StreamDecoder): UpstreamError | null {
  try {
    for (const event of events) batch.push(...decoder.push(event));
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

type Path = UpstreamCodec['path'] | '/embeddings' | '/models';
type Upstream = {
  readonly post: (path: Path, body: string, call: Call) => Promise<UpstreamResponse>;
  readonly get: (path: Path, call: Call) => Promise<UpstreamResponse>;
  readonly fault: (response: UpstreamResponse, body: string) => UpstreamError;
  readonly redacted: (cause: unknown) => unknown;
};

/** Where it is and how it is addressed, made ready once. */
function upstreamOf({ baseUrl, apiKey, headers, chatPath }: OpenaiOptions): Upstream {
  const urls: Record<Path, string> = {
    '/chat/completions': joinUrl(baseUrl, chatPath ?? '/chat/completions'),
    '/responses': joinUrl(baseUrl, '/responses'),
    '/embeddings': joinUrl(baseUrl, '/embeddings'),
    '/models': joinUrl(baseUrl, '/models'),
  };
  const given = Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const getHeaders = { accept: 'application/json', 'user-agent': 'sluice', ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}), ...given };
  const postHeaders = { ...getHeaders, 'content-type': 'application/json' };
  const redact = redactor([apiKey ?? '', ...Object.values(given)]);

  return {
    post: (path, body, call) => call.send({ method: 'POST', url: urls[path], headers: postHeaders, body, signal: call.signal }),
    get: (path, call) => call.send({ method: 'GET', url: urls[path], headers: getHeaders, signal: call.signal }),
    fault: (response, body) => redact(faultOfStatus({ status: response.status, retryAfterMs: retryAfterMs(response.headers) }, body)),
    redacted: (cause) => (cause instanceof UpstreamError ? redact(cause) : cause),
  };
}

function joinUrl(baseUrl: string, path: string): string {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
  return url.href;
}

/** A key is at least this long; shorter header values are words that occur in messages by themselves. */
const SECRET_CHARS_MIN = 8;

/** Providers quote the key that they do not like, whole or in part. */
function redactor(secrets: readonly string[]): (error: UpstreamError) => UpstreamError {
  const long = secrets.filter((secret) => secret.length >= SECRET_CHARS_MIN);
  return (error) => {
    if (error.words === null) return error;
    let words = error.words.replace(/\b(sk|key|pk)-[\w*.-]{4,}/g, '[key]');
    for (const secret of long) words = words.replaceAll(secret, '[key]');
    return new UpstreamError(error.fault, error.message, {
      words,
      retryAfterMs: error.retryAfterMs,
      ...(error.status === null ? {} : { status: error.status }),
    });
  };
}
