import type { Budget, CallLimits } from '../contract/policy.ts';
import type { Rate } from '../contract/settings.ts';
import type { LedgerRow } from '../core/ledger-row.ts';

/** How much may be asked at a time, over all processes: requests and tokens a minute, and calls at once. */
export type Limiter = {
  /** Counts a call against every limit, or throws RATE_LIMIT_EXCEEDED and counts it against none. `tokens` is the most that it may use. */
  readonly enter: (limits: readonly CallLimits[], tokens: number) => Permit | Promise<Permit>;
  /** Counts a call of a route from an address, and answers the headers that tell of its limit, or throws RATE_LIMIT_EXCEEDED. */
  readonly visit: (route: string, rate: NonNullable<Rate>, address: string) => Permit['headers'] | Promise<Permit['headers']>;
  /** Where is counted: over all processes, or each its share. */
  readonly state: () => { readonly store: 'redis' | 'local'; readonly processes: number };
};

export type Permit = {
  /** What the limits say after this call: RateLimit and its kin. */
  readonly headers: Readonly<Record<string, string>>;
  /** The call is over and used this many tokens: gives back the rest, and its place. Once. */
  readonly leave: (tokens: number) => void;
};

/** What was spent. Exact, and durable in the moment in which a call is over: a crash, or a database that is away, loses nothing. */
export type Ledger = {
  /** Writes down what is true of a call if the process dies during it. */
  readonly open: (row: LedgerRow) => OpenCall;
  /** Writes down a call that is over. */
  readonly close: (row: LedgerRow, more?: ClosingMore) => void;
};

export type ClosingMore = {
  readonly opened?: OpenCall | null;
  /** A second run of an id that was given up for lost. */
  readonly again?: boolean;
  /** Called when the database has it. */
  readonly entered?: () => void;
  /** Who holds of the budgets what it may cost, where that is not this process. */
  readonly heldBy?: string;
};

export type OpenCall = object;

/** What may be spent. */
export type Budgets = {
  /** Sets aside the most that a call can cost in each of these budgets, or throws BUDGET_EXCEEDED and sets aside nothing. */
  readonly reserve: (budgets: readonly Budget[], nanoUsd: number) => Reservation | Promise<Reservation>;
};

export type Reservation = {
  /** The call is over and cost this much; the rest is free. To be called once; what it answers is to be called when the ledger has the call. */
  readonly settle: (costNanoUsd: number) => () => void;
};
