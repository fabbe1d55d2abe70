/**
 * The ids of the model calls of one request, in the order in which they are made. All follow from the first, so that a second run of the same
 * request under its Idempotency-Key has the same ids, and is charged once.
 */
export type CallIds = {
  readonly rootId: string;
  /** When the request came, the first time: Unix milliseconds. */
  readonly at: number;
  /** Whether this is such a second run. */
  readonly again: boolean;
  readonly next: () => string;
  /** Its calls that are over, with what they used and cost, and what the cache saved; the gateway adds to it. */
  readonly tally: Tally;
};

export type Tally = Record<'calls' | 'costNanoUsd' | 'savedNanoUsd' | 'inputTokens' | 'cachedInputTokens' | 'outputTokens' | 'reasoningTokens', number>;

export function callIds(rootId: string, at: number, again = false): CallIds {
  let made = 0;
  return {
    rootId,
    at,
    again,
    next: () => (++made === 1 ? rootId : `${rootId}.${made}`),
    tally: { calls: 0, costNanoUsd: 0, savedNanoUsd: 0, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0 },
  };
}
