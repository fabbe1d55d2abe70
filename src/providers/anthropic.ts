import type { Given, ModelRequest } from '../core/model-request.ts';
import type { Call, ModelFacts, Provider } from '../core/provider.ts';
import { anthropicMessages } from '../wire/anthropic-messages.ts';
import { encodeMessages } from '../wire/anthropic-request.ts';
import { messagesTraits } from '../wire/anthropic-traits.ts';
import type { JsonObject } from '../wire/read-json.ts';
import { type AnswerCodec, givenBody } from '../wire/upstream-codec.ts';
import { anthropicBatches } from './anthropic-batches.ts';
import { answer, type Asked, httpUpstream, joinUrl, lowerCased } from './upstream.ts';

export const ANTHROPIC_BASE_URL = 'https://api.anthropic.com';

type AnthropicOptions = {
  readonly id: string;
  /** With or without `/v1`: clients are told both. */
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly models: readonly ModelFacts[];
  readonly open: boolean;
  readonly describe: (model: string) => ModelFacts;
};

/** The version of the API that is spoken here; what came later is asked for by beta headers. */
const VERSION = '2023-06-01';
const AS_IT_IS = anthropicMessages(null);

/** Anthropic itself, and every server that speaks its Messages API. */
export function anthropicProvider(options: AnthropicOptions): Provider {
  const { id, baseUrl, apiKey, models, open, describe } = options;
  const { 'anthropic-beta': betas = '', ...headers } = lowerCased(options.headers ?? {});
  const ownHeaders = { 'anthropic-version': VERSION, ...(apiKey ? { 'x-api-key': apiKey } : {}) };
  const upstream = httpUpstream({ apiKey, ownHeaders, headers });
  const urlOf = (path: string): string => joinUrl(baseUrl.replace(/\/v1\/?$/, ''), path);
  const [messagesUrl, modelsUrl] = [urlOf('/v1/messages'), urlOf('/v1/models')];

  const said = (request: ModelRequest): Said => {
    const own = request.given?.dialect === 'anthropic-messages' ? request.given : null;
    const { body, answerTool } = own
      ? { body: givenBody(own.body, request), answerTool: null }
      : encodeMessages(request, messagesTraits(describe(request.model)));
    return { own, body, codec: answerTool === null ? AS_IT_IS : anthropicMessages(answerTool) };
  };
  const ask = async (request: ModelRequest, call: Call): Promise<Asked> => {
    const { own, body, codec } = said(request);
    const response = await upstream.post(messagesUrl, body, call, withBetas(own, betas));
    if (response.status !== 200) throw upstream.fault(response, await response.text());
    return { response, codec, inOwnWords: own !== null };
  };

  return {
    id,
    origin: new URL(baseUrl).origin,
    models,
    open,
    dialects: ['anthropic-messages'],
    describe,
    chat: (request, call) => answer(upstream, request, call, () => ask(request, call)),
    batches: anthropicBatches({ url: urlOf('/v1/messages/batches'), upstream, headers: withBetas(null, betas), said }),
    check: (call) => upstream.check(modelsUrl, call),
  };
}

export type Said = { readonly own: Given | null; readonly body: JsonObject; readonly codec: AnswerCodec };

/** The caller's betas besides the configured ones. */
function withBetas(own: Given | null, configured: string): Readonly<Record<string, string>> | undefined {
  const betas = [configured, own?.headers?.['anthropic-beta'] ?? ''].filter((beta) => beta !== '').join(',');
  return betas === '' ? own?.headers : { ...own?.headers, 'anthropic-beta': betas };
}
