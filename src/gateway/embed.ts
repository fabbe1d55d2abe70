import type { EmbedCall, WholeCall } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import { type EmbedAnswer, type EmbedRequest, type ModelFacts, UpstreamError } from '../core/provider.ts';
import type { Candidate } from '../core/routing.ts';
import { embedInputTokens } from '../core/tokens.ts';
import { choose } from './targets-choice.ts';
import { type Core, wholeCall } from './whole-call.ts';

/** Texts as vectors. */
export async function embed(core: Core, call: EmbedCall): Promise<WholeCall<EmbedAnswer>> {
  const name = call.model ?? core.needs.config().defaultModel;
  const { order } = choose(core, {
    call,
    session: call.session,
    // An input may be many texts, each of which has the window for itself.
    asked: () => ({ inputTokens: 0, maxTokens: 0, capabilities: [] }),
    able: (all) => ableCandidates(name, call.request, all),
  });
  return wholeCall(core, {
    call,
    load: { inputTokens: () => embedInputTokens(call.request), outputTokens: () => 0, maxTokens: undefined, streamed: false, hasUncounted: false },
    candidates: order.map(({ candidate }) => candidate),
    ask: ({ provider, model }, upstream) => {
      if (!provider.embed) throw new UpstreamError('rejected', `${provider.id} does not embed`);
      return provider.embed({ ...call.request, model }, upstream);
    },
    usageOf: ({ inputTokens, estimated }) => ({ inputTokens, outputTokens: 0, ...(estimated ? { estimated } : {}) }),
  });
}

type Asked = Omit<EmbedRequest, 'model'>;

/** Those that embed, and can be told all that was asked. */
function ableCandidates(name: string, request: Asked, all: readonly Candidate[]): readonly Candidate[] {
  const embedding = all.filter(({ provider, facts }) => provider.embed && mayEmbed(facts));
  if (embedding.length === 0) throw new AppError('INVALID_VALUE', { message: `${name} does not embed`, field: 'model' });
  const untold = untoldField(request);
  const able = untold === null ? embedding : embedding.filter(({ provider }) => provider.embedsAsGiven);
  if (able.length > 0 || untold === null) return able;
  const what = untold === 'input' ? 'Token ids' : untold;
  throw new AppError('INVALID_VALUE', {
    message: `${what} cannot be said to ${embedding[0]?.provider.id}, which does not speak OpenAI's dialect: ${untold === 'input' ? 'send texts' : 'leave it out'}, or ask another model`,
    field: untold,
  });
}

/** What the catalogue says of a model is so; of one that it does not know, only the name is known, and its server refuses by itself. */
function mayEmbed({ price, capabilities }: ModelFacts): boolean {
  return price === undefined || capabilities.includes('embeddings');
}

/** What only a provider that speaks OpenAI's dialect can be told. */
function untoldField({ texts, given = {} }: Asked): string | null {
  if (texts.some((text) => typeof text !== 'string')) return 'input';
  return Object.keys(given).find((field) => field !== 'user') ?? null;
}
