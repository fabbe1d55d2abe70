import type { Usage } from './events.ts';
import type { Price } from './provider.ts';

/** Money is whole nano-USD. A price may be a fraction of one for a token; the sum of a call is rounded once. */
export function costNanoUsd(usage: Usage, price: Price | null): number {
  if (price === null) return 0;
  const cached = Math.min(usage.cachedInputTokens ?? 0, usage.inputTokens);
  const fresh = usage.inputTokens - cached;
  return Math.round(fresh * price.inputNanoUsd + cached * (price.cachedInputNanoUsd ?? price.inputNanoUsd) + usage.outputTokens * price.outputNanoUsd);
}
