import type { ModelEvent } from './events.ts';
import type { ModelRequest } from './model-request.ts';
import type { Call, EmbedAnswer, EmbedRequest, UpstreamError } from './provider.ts';

/**
 * The batches of a provider: many calls at a lower price, answered within a day. Each function is one step, and one that can be taken again: who
 * died in the middle of a step, or heard no answer, asks `findUpload` or `find` whether it was taken.
 */
export type ProviderBatches = {
  /** What one batch holds at most. */
  readonly requestsMax: number;
  readonly bytesMax: number;
  /** A call as one request of a batch. Throws an UpstreamError where a batch cannot hold it. */
  readonly encode: (call: BatchedCall) => EncodedCall;
  /** Hands over the requests, where the provider takes them before the batch. Answers with the id that they have there. */
  readonly upload?: (ours: OurBatch, call: Call) => Promise<string>;
  readonly findUpload?: (ours: OurBatch, call: Call) => Promise<string | null>;
  readonly create: (ours: OurBatch, call: Call) => Promise<BatchSeen>;
  readonly find: (ours: OurBatch, call: Call) => Promise<Found>;
  readonly look: (upstreamId: string, call: Call) => Promise<BatchSeen>;
  readonly cancel: (upstreamId: string, call: Call) => Promise<void>;
  /** What came of every request, in any order. Whoever reads it to its end without a throw has read all of what the provider gave. */
  readonly results: (seen: BatchSeen, call: Call) => AsyncIterable<BatchResult>;
  /** What was said to a call of this kind; throws an UpstreamError where it is no answer. */
  readonly decode: (kind: string, request: ModelRequest, said: string) => readonly ModelEvent[];
  readonly decodeEmbeddings: (request: EmbedRequest, said: string) => EmbedAnswer;
};

export type BatchedCall = { readonly type: 'chat'; readonly request: ModelRequest } | { readonly type: 'embed'; readonly request: EmbedRequest };
/** All requests of one batch are of one kind. `text` is one line, under an id of ours. */
export type EncodedCall = { readonly kind: string; readonly text: (customId: string) => string };

export type OurBatch = {
  /** By which we know it again, after a crash too. */
  readonly id: string;
  readonly kind: string;
  /** When it was written down here, and when it was told to the provider last: Unix milliseconds. */
  readonly createdAt: number;
  readonly triedAt: number;
  readonly requests: number;
  /** Of all texts together. */
  readonly bytes: number;
  /** The requests, a few at a time. */
  readonly texts: () => AsyncIterable<readonly string[]>;
  /** Where they were uploaded to. */
  readonly inputFileId: string | null;
  /** Which of these batches of the provider we know to be another one of ours. */
  readonly knownAmong: (upstreamIds: readonly string[]) => Promise<ReadonlySet<string>>;
};

/** A batch as the provider shows it. */
export type BatchSeen = {
  readonly upstreamId: string;
  /** In the provider's word. */
  readonly status: string;
  /** Null while it goes on. */
  readonly outcome: 'completed' | 'failed' | 'expired' | 'cancelled' | null;
  readonly inputFileId: string | null;
  readonly outputFileId: string | null;
  readonly errorFileId: string | null;
  /** How many results it has. */
  readonly results: number;
  /** Why it failed as a whole. A line is a request by its place, the first one 1. */
  readonly problems: readonly BatchProblem[];
};
export type BatchProblem = { readonly line: number | null; readonly code: string; readonly message: string };

/** All that are ours by our id, the first one first. `unclear` is one that may be ours, and will only show it when it is over. */
export type Found = { readonly ours: readonly BatchSeen[]; readonly unclear: boolean };

export type BatchResult = { readonly customId: string } & (
  | { readonly type: 'said'; readonly text: string }
  | { readonly type: 'failed'; readonly fault: UpstreamError }
  | { readonly type: 'unanswered'; readonly why: 'expired' | 'cancelled' }
);
