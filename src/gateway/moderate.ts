import type { ModerateCall, WholeCall } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import { type ModerateAnswer, type Provider, UpstreamError } from '../core/provider.ts';
import type { Candidate } from '../core/routing.ts';
import { estimateTokens } from '../core/tokens.ts';
import { choose } from './targets-choice.ts';
import { type Core, wholeCall } from './whole-call.ts';

/** Whether texts are harmful, as a provider judges that has a model for it: the one that is named, or the first that lists one. */
export async function moderate(core: Core, call: ModerateCall): Promise<WholeCall<ModerateAnswer>> {
  const model = call.model ?? firstModerator(core.needs.config().providers.values());
  const inputTokens = (): number => tokensIn(call.request.given['input']);
  const { order } = choose(core, {
    call: { principal: call.principal, model },
    session: call.session,
    asked: () => ({ inputTokens: 0, maxTokens: 0, capabilities: [] }),
    able: (all) => moderating(model, all),
  });
  return wholeCall(core, {
    call,
    load: { inputTokens, outputTokens: () => 0, maxTokens: undefined, streamed: false, hasUncounted: false },
    candidates: order.map(({ candidate }) => candidate),
    ask: (candidate, upstream) => {
      if (!candidate.provider.moderate) throw new UpstreamError('rejected', `${candidate.provider.id} does not moderate`);
      return candidate.provider.moderate({ ...call.request, model: candidate.model }, upstream);
    },
    usageOf: ({ inputTokens: counted }) =>
      counted === null ? { inputTokens: inputTokens(), outputTokens: 0, estimated: true } : { inputTokens: counted, outputTokens: 0 },
  });
}

function firstModerator(providers: Iterable<Provider>): string {
  for (const { id, moderate: judge, models } of providers) {
    const model = judge && models.find(({ capabilities }) => capabilities.includes('moderation'));
    if (model) return `${id}/${model.id}`;
  }
  throw new AppError('INVALID_VALUE', {
    message: 'No provider here moderates: set OPENAI_API_KEY, or list a moderation model of one in sluice.config.yaml and name it',
    field: 'model',
  });
}

function moderating(name: string, all: readonly Candidate[]): readonly Candidate[] {
  const able = all.filter(({ provider }) => provider.moderate);
  if (able.length > 0) return able;
  throw new AppError('INVALID_VALUE', { message: `${name} does not moderate`, field: 'model' });
}

/** Of a text, several, or parts of which some are texts. */
function tokensIn(input: unknown): number {
  if (typeof input === 'string') return estimateTokens(input);
  if (Array.isArray(input)) return input.reduce<number>((sum, part) => sum + tokensIn(part), 0);
  return typeof input === 'object' && input !== null && 'text' in input ? tokensIn(input.text) : 0;
}
