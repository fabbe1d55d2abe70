import type { Cancellation } from './cancellation.ts';
import type { EventBatches } from './events.ts';
import type { LocalState } from './local-model.ts';
import type { Dialect, ModelRequest } from './model-request.ts';
import type { ProviderBatches } from './provider-batches.ts';

/**
 * An upstream. It can do what it defines: shared code asks `provider.chat`, never which provider it is.
 * A provider does one attempt; retries, fallbacks, limits and money are the gateway's.
 */
export type Provider = {
  readonly id: string;
  /** The one origin that calls to it, and so its key, may go to; null for one that needs no network. */
  readonly origin: string | null;
  /** Where else it has to ask, such as who gives out tokens; the providers that speak HTTP themselves need nobody. */
  readonly asideOrigins?: readonly string[];
  /** What it serves and knows about it. A name that is not listed can still be called as `provider/name` where `open` is true. */
  readonly models: readonly ModelFacts[];
  readonly open: boolean;
  /** What it speaks by itself, so that bodies in it pass through as they came. */
  readonly dialects?: readonly Dialect[];
  /** What is known of a model that it may serve and does not list. */
  readonly describe?: (model: string) => ModelFacts;
  readonly chat?: (request: ModelRequest, call: Call) => EventBatches;
  readonly embed?: (request: EmbedRequest, call: Call) => Promise<EmbedAnswer>;
  /** Whether it embeds in OpenAI's dialect: takes the ids of tokens for texts, and fields that we do not know. */
  readonly embedsAsGiven?: boolean;
  /** Says whether a text is harmful, in OpenAI's words on both sides. */
  readonly moderate?: (request: ModerateRequest, call: Call) => Promise<ModerateAnswer>;
  /** Its batches, at a lower price and within a day. */
  readonly batches?: ProviderBatches;
  /** The same by each of its keys, where it has several or bounds for one: calls are spread over them. */
  readonly byKey?: readonly KeyedProvider[];
  /** The model that its own name alone means, where it means one. */
  readonly main?: string;
  /** How that one does, where it has to be loaded. */
  readonly condition?: () => LocalState | { readonly state: 'absent' };
  /** A cheap sign of life for /health; throws when there is none. Absent where there is nothing to ask. */
  readonly check?: (call: Call) => Promise<void>;
};

export type ModelFacts = {
  readonly id: string;
  readonly contextTokens: number;
  readonly outputTokensMax: number;
  readonly capabilities: readonly Capability[];
  readonly price?: Price;
};

export type KeyedProvider = { readonly key: ProviderKey; readonly provider: Provider };
/** What is known of a key besides the key itself. */
export type ProviderKey = {
  /** What people know it by: the name that they gave it, or its place and last letters. */
  readonly name: string;
  /** Follows from the key, so that a new one under an old name begins anew. */
  readonly id: string;
  readonly weight: number;
  /** Most calls a minute, and at a time, from each process. */
  readonly rpm: number | null;
  readonly maxParallel: number | null;
};

export type Capability = 'chat' | 'stream' | 'tools' | 'json_schema' | 'images' | 'reasoning' | 'embeddings' | 'moderation';

/** Nano-USD a token: 0.15 USD a million tokens is 150. A rate may be a fraction of a nano-USD. What is left out costs as `inputNanoUsd`. */
export type Rates = {
  readonly inputNanoUsd: number;
  /** Reasoning is output. */
  readonly outputNanoUsd: number;
  /** Input that the provider had in its cache. */
  readonly cachedInputNanoUsd?: number;
  /** Input that it put into its cache for some minutes. */
  readonly cacheWriteNanoUsd?: number;
  /** Input that it put there for an hour or longer; left out, it costs as for some minutes. */
  readonly longCacheWriteNanoUsd?: number;
};

/** What a batch costs where that is less. */
export type Tariff = Rates & { readonly batch?: Rates };

export type Price = Tariff & {
  /** A prompt of more tokens than this makes the whole call cost this instead. */
  readonly above?: Tariff & { readonly tokens: number };
  /** For each call, besides its tokens. */
  readonly callNanoUsd?: number;
  /** The day on which the price was read, and where. */
  readonly asOf: string | null;
  readonly source: string;
};

export type EmbedRequest = {
  readonly model: string;
  /** Each in words, or in the ids that the provider's tokenizer has for them. */
  readonly texts: readonly (string | readonly number[])[];
  readonly dimensions?: number;
  /** What else the caller's body had, in OpenAI's dialect. */
  readonly given?: Readonly<Record<string, unknown>>;
};
export type EmbedAnswer = {
  readonly vectors: readonly (readonly number[])[];
  readonly inputTokens: number;
  /** Counted by us, because the provider gave none. */
  readonly estimated?: true;
};

export type ModerateRequest = { readonly model: string; /** As it came. */ readonly given: Readonly<Record<string, unknown>> };
export type ModerateAnswer = {
  /** The answer as it came. */
  readonly words: string;
  /** Null where the provider does not say. */
  readonly inputTokens: number | null;
};

/** What one attempt may use of the world. */
export type Call = {
  /** Opens a connection to the provider's own origin only. */
  readonly send: Send;
  /** Aborts when the caller left, the deadline passed, or a sibling won. */
  readonly signal: Cancellation;
  readonly requestId: string;
  readonly random: () => number;
  readonly sleep: (ms: number, signal: Cancellation) => Promise<void>;
};

export type Send = (request: UpstreamRequest) => Promise<UpstreamResponse>;

export type UpstreamRequest = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Instead of `body`: one that is too large to be held, and is made while it goes out. */
  readonly pieces?: BodyPieces;
  readonly signal: Cancellation;
  /** Called in the moment before the first byte goes out; from then on the provider may charge for it. */
  readonly beforeSending?: () => void;
};

export type BodyPieces = {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Of all bytes; null where nobody knows before the last one. */
  readonly length: number | null;
};

export type UpstreamResponse = {
  readonly status: number;
  /** By a name in lower case. */
  readonly headers: { readonly get: (name: string) => string | null };
  text(): Promise<string>;
  /** The body as it comes; each read is timed, and a silence longer than the read timeout is an UpstreamError. */
  chunks(): AsyncIterable<Uint8Array>;
};

export type UpstreamFault =
  /** No connection, or it broke before the answer's head. */
  | 'connect'
  /** Silence longer than allowed. */
  | 'timeout'
  /** 429. */
  | 'rate_limited'
  /** 408 or 5xx. */
  | 'failed'
  /** 400, 404, 413, 422: the request itself was refused. */
  | 'rejected'
  /** 401 or 403: our key is bad, which is never the caller's fault. */
  | 'unauthorized'
  /** The body broke off, or was not what it should be. */
  | 'broken';

type UpstreamErrorParts = {
  readonly status?: number;
  readonly retryAfterMs?: number | null;
  readonly words?: string;
  readonly code?: string | null;
  readonly param?: string | null;
  readonly cause?: unknown;
};

/** How an attempt failed, in the one vocabulary that the retry decision reads. */
export class UpstreamError extends Error {
  readonly fault: UpstreamFault;
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  /** What the provider itself said. It may quote the request, so it is for whoever sent that, and the message is for the log. */
  readonly words: string | null;
  /** What it calls the error, and the field that it is about, where it says so: `context_length_exceeded`, which clients know. */
  readonly code: string | null;
  readonly param: string | null;

  constructor(fault: UpstreamFault, message: string, more: UpstreamErrorParts = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'UpstreamError';
    this.fault = fault;
    this.status = more.status ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.words = more.words || null;
    this.code = more.code || null;
    this.param = more.param || null;
  }
}
