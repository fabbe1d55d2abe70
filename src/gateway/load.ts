import type { ModelCall } from '../app/gateway.ts';
import type { ModelFacts } from '../core/provider.ts';
import { estimateInputTokens } from '../core/tokens.ts';

/** The most that a call may use, as far as it can be said before. */
export type Load = {
  /** By our count, which costs time: asked only where it matters. */
  readonly inputTokens: () => number;
  readonly outputTokens: (facts: ModelFacts) => number;
  /** The longest answer that was asked for, where the call says. */
  readonly maxTokens: number | undefined;
  readonly streamed: boolean;
  /** Whether the provider reads more than we can count: a file, a search, a tool of its own. */
  readonly hasUncounted: boolean;
};

/** Fields of a caller's own body that are read by the model. */
const READ_BY_MODELS =
  /^(?:messages|input|system|instructions|tools|functions|documents|mcp_servers|container|web_search_options|plugins|context_management)\b/;

export function chatLoad({ request }: Pick<ModelCall, 'request'>): Load {
  const { maxTokens, answers = 1, stream } = request;
  return {
    inputTokens: () => estimateInputTokens(request),
    outputTokens: (facts) => (maxTokens ?? facts.outputTokensMax) * answers,
    maxTokens,
    streamed: stream,
    hasUncounted: request.given?.untold.some((field) => READ_BY_MODELS.test(field)) ?? false,
  };
}
