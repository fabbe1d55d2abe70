import type { App } from '../../app.ts';
import type { RouteExplanation } from '../../app/gateway.ts';
import type { RouteAnswer, RouteQuestion } from '../../contract/providers.ts';
import type { KeyReason } from '../../core/key-order.ts';
import type { Capability } from '../../core/provider.ts';
import type { LeftOut, Reason } from '../../core/target-order.ts';
import { estimateInputTokens } from '../../core/tokens.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { healthReply } from './breaker.ts';

type Explained = RouteExplanation['order'][number];

export function explainRoute(app: App, { principal, body }: Exchange<undefined, undefined, RouteQuestion>): Reply {
  const inputTokens = body.messages === undefined ? 0 : estimateInputTokens({ messages: body.messages });
  const asked = { inputTokens, maxTokens: body.max_tokens, capabilities: capabilitiesOf(body) };
  const { model, strategy, sticky, order, leftOut } = app.gateway.explain({ principal, model: body.model, session: body.session, asked });
  const answer: RouteAnswer = {
    model,
    strategy,
    sticky,
    input_tokens: inputTokens,
    candidates: order.map(candidateReply),
    left_out: leftOut.map(({ candidate: { provider, model: name, facts }, lacks }) => ({
      provider: provider.id,
      model: name,
      lacks,
      why:
        lacks === 'context'
          ? `${inputTokens} tokens and the answer are more than the ${facts.contextTokens} that it holds`
          : `it lacks ${WORDS[lacks] ?? lacks}`,
    })),
  };
  return { json: answer };
}

const WORDS: Partial<Record<LeftOut['lacks'], string>> = { tools: 'tools', images: 'images', json_schema: 'answers of a JSON schema' };

function capabilitiesOf({ tools, images, json_schema: jsonSchema }: RouteQuestion): Capability[] {
  return [...(tools ? (['tools'] as const) : []), ...(jsonSchema ? (['json_schema'] as const) : []), ...(images ? (['images'] as const) : [])];
}

function candidateReply({ candidate, reason, keyReason, state, nanoUsd }: Explained): RouteAnswer['candidates'][number] {
  const passedOver = passedOverFor(state);
  const why = [WHY[reason], ...(keyReason ? [WHY_KEY[keyReason]] : []), ...(passedOver ? [PASSED_OVER[passedOver]] : [])];
  return {
    provider: candidate.provider.id,
    model: candidate.model,
    key: candidate.key?.name ?? null,
    reason,
    why: why.join('; '),
    passed_over: passedOver,
    cost_usd: nanoUsd / 1e9,
    price_assumed: candidate.priceAssumed,
    ...healthReply(state),
  };
}

const WHY: Record<Reason, string> = {
  only: 'there is no other',
  session: 'the session was answered here before',
  drawn: 'drawn by weight',
  weight: 'follows by its weight',
  price: 'stands by what the call would cost',
  speed: 'stands by how soon its latest answers began',
  untried: 'has no answers of the last minutes: the next call finds out',
  unmeasured: 'has no answers of the last minutes, and a call is finding out',
  order: 'stands so in the configuration',
  fallback: 'a fallback, for when no target answers',
};
const WHY_KEY: Record<KeyReason, string> = {
  session: 'by the key that answered the session before',
  drawn: 'by the key that was drawn by weight, and by how many calls each has under way',
  next: 'by the next key, for when those before it are set aside or full',
};
const PASSED_OVER = {
  open: 'passed over until it is well again',
  full: 'passed over while its provider, or its key, has as many calls as it may have',
  resting: 'passed over until its key may be used again, whose rate is used up',
};

function passedOverFor({ full, restMs, breaker }: Explained['state']): RouteAnswer['candidates'][number]['passed_over'] {
  if (breaker.state === 'probing' || (breaker.state === 'open' && breaker.waitMs > 0)) return 'open';
  if (restMs > 0) return 'resting';
  return full ? 'full' : null;
}
