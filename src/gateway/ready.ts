import type { ModelCall, RunningCall } from '../app/gateway.ts';
import type { Permit } from '../app/spending.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { LedgerRow } from '../core/ledger-row.ts';
import type { Candidate } from '../core/routing.ts';
import type { Load } from './load.ts';
import type { Metered } from './meter.ts';
import type { Choice } from './targets-choice.ts';

/** A call that may begin, with where it may go. */
export type Ready = {
  readonly call: ModelCall;
  readonly load: Load;
  /** Of this call in the ledger. */
  readonly id: string;
  readonly candidates: readonly Candidate[];
  readonly answeredBy: Choice['answeredBy'];
  /** Whether another goes on where its answer breaks off. */
  readonly goesOn: boolean;
  readonly permit: Permit;
  readonly arrivedAt: number;
};

export type Starting = {
  readonly signal: Cancellation;
  readonly over: (complete: boolean) => void;
  readonly cache: Exclude<LedgerRow['cache'], 'HIT'>;
  readonly key: string | null;
};

/** A call that has begun to answer. */
export type Started = { readonly head: Head; readonly metered: Metered };
export type Head = Pick<RunningCall, 'model' | 'provider' | 'attempts' | 'queueMs' | 'upstreamMs' | 'receipt' | 'limitHeaders' | 'continuedBy'>;
