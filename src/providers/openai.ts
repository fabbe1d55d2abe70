import { isReasoningName } from '../core/model-catalog.ts';
import type { Dialect, Given, ModelRequest } from '../core/model-request.ts';
import type { ProviderBatches } from '../core/provider-batches.ts';
import { type Call, type ModelFacts, type Provider, UpstreamError } from '../core/provider.ts';
import { openaiChat } from '../wire/openai-chat.ts';
import { decodeEmbeddings, encodeEmbeddings } from '../wire/openai-embeddings.ts';
import { decodeModeration, encodeModeration } from '../wire/openai-moderations.ts';
import { openaiResponses } from '../wire/openai-responses.ts';
import { type JsonObject, objectOf, parseObject } from '../wire/read-json.ts';
import type { SseEvent } from '../wire/sse.ts';
import { givenBody, type ModelTraits, type UpstreamCodec } from '../wire/upstream-codec.ts';
import { errorOfBody } from '../wire/upstream-fault.ts';
import { openaiBatches } from './openai-batches.ts';
import { answer, type Asked, httpUpstream, joinUrl, type Upstream } from './upstream.ts';

export const OPENAI_BASE_URL = 'https://api.openai.com/v1';

export type OpenaiDialect = Extract<Dialect, 'openai-chat' | 'openai-responses'>;

export type OpenaiOptions = {
  readonly id: string;
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What it speaks; the first where a request does not choose. */
  readonly dialects: readonly [OpenaiDialect, ...OpenaiDialect[]];
  readonly models: readonly ModelFacts[];
  readonly open: boolean;
  readonly describe?: (model: string) => ModelFacts;
  /** Where chat completions are, for a server that has them elsewhere. */
  readonly chatPath?: string | undefined;
  /** The header that has the key by itself; without one it goes as a bearer. */
  readonly keyHeader?: string;
  /** For a server whose addresses name the model. */
  readonly urlOf?: (path: Path, model: string) => string;
  readonly quirks?: OpenaiQuirks | undefined;
  /** Whether it has OpenAI's batches. */
  readonly hasBatches?: boolean;
};

export type Path = UpstreamCodec['path'] | '/embeddings' | '/moderations' | '/models';

/** What a server does differently from OpenAI, whose API it speaks. */
export type OpenaiQuirks = {
  /** Its own word for a field of chat completions; null for one that it refuses, and that changes nothing. */
  readonly words?: Readonly<Record<string, string | null>>;
  /** Its streams end with the finish reason, without `[DONE]`. */
  readonly saysNoDone?: true;
};

const CODECS: Record<OpenaiDialect, UpstreamCodec> = { 'openai-chat': openaiChat, 'openai-responses': openaiResponses };
const BOTH_DIALECTS: readonly OpenaiDialect[] = ['openai-chat', 'openai-responses'];
const DONE: SseEvent = { event: 'message', data: '[DONE]', id: '' };

/** OpenAI itself, and every server that speaks its API. */
export function openaiProvider(options: OpenaiOptions): Provider {
  const upstream = httpUpstream({ apiKey: options.apiKey, ownHeaders: keyHeaders(options), headers: options.headers });
  const urlOf = options.urlOf ?? plainUrls(options);
  const isOpenai = new URL(options.baseUrl).host === new URL(OPENAI_BASE_URL).host;
  const { words, saysNoDone } = options.quirks ?? {};
  let dialects: readonly OpenaiDialect[] = options.dialects;

  const said = (request: ModelRequest): Said => {
    const dialect = chooseDialect(dialects, request);
    const codec = CODECS[dialect];
    const own = request.given?.dialect === dialect ? request.given : null;
    const body = own === null ? codec.encodeRequest(request, traitsOf(request.model)) : ownWords(own, request, dialect);
    return { dialect, codec, own, body: words === undefined || dialect !== 'openai-chat' ? body : reworded(body, words) };
  };

  /** Asks in the dialect chosen; a compatible server without the Responses API is asked again by chat, now and from then on. */
  const ask = async (request: ModelRequest, call: Call): Promise<Asked> => {
    const { dialect, codec, own, body } = said(request);
    const response = await upstream.post(urlOf(codec.path, request.model), body, call, own?.headers);
    if (response.status === 200) return { response, codec, inOwnWords: own !== null, lastWord: saysNoDone ? DONE : undefined };
    const text = await response.text();
    const mayLackIt = dialect === 'openai-responses' && !isOpenai && dialects.includes('openai-chat');
    if (!mayLackIt || !lacksRoute(response.status, text)) throw upstream.fault(response, text);
    dialects = ['openai-chat'];
    const untold = own?.untold[0];
    if (untold !== undefined) throw lacksWords(untold, response.status);
    return ask(request, call);
  };

  const whole = async (path: Path, model: string, body: JsonObject, call: Call): Promise<string> => {
    const response = await upstream.post(urlOf(path, model), body, call);
    const text = await response.text();
    if (response.status !== 200) throw upstream.fault(response, text);
    return text;
  };

  return {
    id: options.id,
    origin: new URL(options.baseUrl).origin,
    models: options.models,
    open: options.open,
    get dialects() {
      return dialects;
    },
    ...(options.describe ? { describe: options.describe } : {}),
    ...(options.hasBatches ? { batches: batchesOf(options, upstream, said) } : {}),
    chat: (request, call) => answer(upstream, request, call, () => ask(request, call)),
    embedsAsGiven: true,
    embed: async (request, call) => decodeEmbeddings(parseObject(await whole('/embeddings', request.model, encodeEmbeddings(request), call)), request),
    moderate: async (request, call) => decodeModeration(await whole('/moderations', request.model, encodeModeration(request), call)),
    check: (call) => upstream.check(urlOf('/models', ''), call),
  };
}

type Said = { readonly dialect: OpenaiDialect; readonly codec: UpstreamCodec; readonly own: Given | null; readonly body: JsonObject };

function batchesOf({ baseUrl }: OpenaiOptions, upstream: Upstream, said: (request: ModelRequest) => Said): ProviderBatches {
  return openaiBatches({
    baseUrl,
    upstream,
    say(call) {
      if (call.type === 'embed') return { path: '/embeddings', body: encodeEmbeddings(call.request) };
      const { codec, body } = said(call.request);
      return { path: codec.path, body };
    },
    heardAt(path) {
      const dialect = BOTH_DIALECTS.find((each) => CODECS[each].path === path);
      return dialect === undefined ? null : { dialect, codec: CODECS[dialect] };
    },
  });
}

function keyHeaders({ apiKey, keyHeader }: OpenaiOptions): Record<string, string> {
  if (!apiKey) return {};
  return keyHeader === undefined ? { authorization: `Bearer ${apiKey}` } : { [keyHeader]: apiKey };
}

function plainUrls({ baseUrl, chatPath }: OpenaiOptions): (path: Path) => string {
  const urls: Record<Path, string> = {
    '/chat/completions': joinUrl(baseUrl, chatPath ?? '/chat/completions'),
    '/responses': joinUrl(baseUrl, '/responses'),
    '/embeddings': joinUrl(baseUrl, '/embeddings'),
    '/moderations': joinUrl(baseUrl, '/moderations'),
    '/models': joinUrl(baseUrl, '/models'),
  };
  return (path) => urls[path];
}

function traitsOf(model: string): ModelTraits {
  return { reasoning: isReasoningName(model) };
}

/** The caller's own one where it is spoken, else the one that is wanted and has words for all of it. */
function chooseDialect(dialects: readonly OpenaiDialect[], request: ModelRequest): OpenaiDialect {
  const { given } = request;
  const own = given && dialects.find((dialect) => dialect === given.dialect);
  if (own) return own;
  const wanted = dialects.find((dialect) => dialect === request.dialect) ?? dialects[0] ?? 'openai-chat';
  if (CODECS[wanted].canSay(request)) return wanted;
  return dialects.find((dialect) => CODECS[dialect].canSay(request)) ?? wanted;
}

/** What a stream of chat completions used is only said where it is asked for. */
function ownWords({ body }: Given, request: ModelRequest, dialect: OpenaiDialect): JsonObject {
  const said = givenBody(body, request);
  if (dialect !== 'openai-chat') return said;
  if (request.stream) said['stream_options'] = { ...objectOf(said['stream_options']), include_usage: true };
  else delete said['stream_options'];
  return said;
}

function reworded(body: JsonObject, words: Readonly<Record<string, string | null>>): JsonObject {
  const said: Record<string, unknown> = { ...body };
  for (const [name, own] of Object.entries(words)) {
    const value = said[name];
    delete said[name];
    if (own !== null && value !== undefined) said[own] ??= value;
  }
  return said;
}

/** Whether a server has no such route, as opposed to no such model. */
function lacksRoute(status: number, body: string): boolean {
  if (status === 405 || status === 501) return true;
  if (status !== 404) return false;
  const { code, message } = errorOfBody(body);
  return code !== 'model_not_found' && !/\bmodel\b/i.test(message);
}

function lacksWords(field: string, status: number): UpstreamError {
  const words = `This provider has no Responses API, and \`${field}\` cannot be asked for by chat completions`;
  return new UpstreamError('rejected', 'The provider has no Responses API.', { status, words });
}
