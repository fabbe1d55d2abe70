import type { Receipt, RunningCall } from '../app/gateway.ts';
import type { EventBatches, Usage } from '../core/events.ts';

/**
 * Several calls that are one answer: their sums, and `events` as what the caller reads. `calls` may grow while the events are read;
 * it holds at least one call from the start, which says the model.
 */
export function combinedCall(calls: readonly [RunningCall, ...RunningCall[]], events: EventBatches): RunningCall {
  const [first] = calls;
  return {
    model: first.model,
    provider: first.provider,
    get cache() {
      return cacheOf(calls);
    },
    get attempts() {
      return sum(calls, (call) => call.attempts);
    },
    queueMs: first.queueMs,
    limitHeaders: first.limitHeaders,
    upstreamMs: () => sum(calls, (call) => call.upstreamMs()),
    events,
    receipt: () => sumReceipts(calls.map((call) => call.receipt())),
  };
}

/** The sums on the log line, where each call by itself would leave only its own. */
export function noteCombined(logFields: Record<string, unknown>, running: RunningCall, calls: number): void {
  const { usage, costNanoUsd } = running.receipt();
  Object.assign(logFields, {
    calls,
    cache: running.cache,
    attempts: running.attempts,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cost_usd: costNanoUsd / 1e9,
    upstream_ms: Math.round(running.upstreamMs() * 10) / 10,
  });
}

/** Cached only where all of it was; past the cache as soon as one was. */
function cacheOf(calls: readonly RunningCall[]): RunningCall['cache'] {
  if (calls.every((call) => call.cache === 'HIT')) return 'HIT';
  return calls.some((call) => call.cache === 'BYPASS') ? 'BYPASS' : 'MISS';
}

function sumReceipts(receipts: readonly Receipt[]): Receipt {
  const cachedInputTokens = sum(receipts, ({ usage }) => usage.cachedInputTokens ?? 0);
  const reasoningTokens = sum(receipts, ({ usage }) => usage.reasoningTokens ?? 0);
  const usage: Usage = {
    inputTokens: sum(receipts, (receipt) => receipt.usage.inputTokens),
    outputTokens: sum(receipts, (receipt) => receipt.usage.outputTokens),
    ...(cachedInputTokens > 0 ? { cachedInputTokens } : {}),
    ...(reasoningTokens > 0 ? { reasoningTokens } : {}),
    ...(receipts.some((receipt) => receipt.usage.estimated) ? { estimated: true } : {}),
  };
  return { usage, costNanoUsd: sum(receipts, (receipt) => receipt.costNanoUsd) };
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
