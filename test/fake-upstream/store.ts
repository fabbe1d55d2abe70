import type { JsonObject } from './json.ts';

/** What the fake keeps between calls. */
export type Store = {
  readonly nextId: () => number;
  /** Of a batch, which whoever made one may remember for longer than the fake does. */
  readonly nextBatchId: () => number;
  readonly files: Map<string, StoredFile>;
  readonly batches: Map<string, StoredBatch>;
  readonly messageBatches: Map<string, StoredMessageBatch>;
  lifecycle: BatchLifecycle;
};

/** How batches go on: by one state with each look at them, or by a word from the test. */
export type BatchLifecycle = {
  /** How many looks a batch needs from its creation to its end. */
  readonly looks: number;
  readonly outcome: 'completed' | 'failed' | 'expired';
  /** How many requests are answered before it expires or is cancelled; all when absent. */
  readonly answered?: number;
  /** Requests with this text in them are no good, and then the batch fails before it begins. */
  readonly refuses?: string;
  /** What is wrong with the results; they are in no order anyway. */
  readonly results?: 'one is missing' | 'one is nobody’s' | 'one came twice';
};

export type StoredFile = { readonly id: string; readonly filename: string; readonly purpose: string; readonly createdAt: number; readonly bytes: Uint8Array };
export type StoredBatch = { readonly id: string; looks: number; status: string; state: JsonObject; readonly inputFileId: string; readonly endpoint: string };
export type StoredMessageBatch = {
  readonly id: string;
  looks: number;
  status: 'in_progress' | 'canceling' | 'ended';
  readonly createdAt: string;
  endedAt: string | null;
  readonly requests: readonly unknown[];
  results: readonly JsonObject[];
};

const DEFAULT_LIFECYCLE: BatchLifecycle = { looks: 3, outcome: 'completed' };

let batches = 0;

export function newStore(): Store {
  let last = 0;
  return { nextId: () => ++last, nextBatchId: () => ++batches, files: new Map(), batches: new Map(), messageBatches: new Map(), lifecycle: DEFAULT_LIFECYCLE };
}

/** One page of a list, newest first or in order, as both vendors page: by the last id seen. */
export function pageOf<Entry extends { readonly id: string }>(
  entries: readonly Entry[],
  query: URLSearchParams,
  cursor: string,
): { page: readonly Entry[]; hasMore: boolean } {
  const after = query.get(cursor);
  const start = after === null ? 0 : entries.findIndex((entry) => entry.id === after) + 1;
  const limit = Number(query.get('limit') ?? 20);
  return { page: entries.slice(start, start + limit), hasMore: entries.length > start + limit };
}
