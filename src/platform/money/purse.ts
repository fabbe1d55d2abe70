import type { Clock, Log } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { Budget } from '../../contract/policy.ts';
import type { Lease, LeaseAsk, WindowName } from '../postgres/money.ts';

export type PurseNeeds = {
  readonly lease: (window: WindowName, ask: LeaseAsk) => Promise<Lease>;
  /** Gives back all that is held of this window beyond `nanoUsd`. */
  readonly keep: (window: WindowName, nanoUsd: number) => Promise<void>;
  /** Whether others still take this process for alive: one that is taken for dead holds nothing. */
  readonly isAlive: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
};

/** What this process holds of one window of a budget, in nano-USD. */
export type Purse = {
  readonly window: WindowName;
  limit: number;
  budget: Budget;
  /** Leased from the database and not yet entered as spent. */
  held: number;
  /** Set aside for calls under way. */
  reserved: number;
  /** Spent by calls that the ledger in the database does not have yet. */
  unentered: number;
  /** Near its end the budget is handed out call by call, and nothing is kept. */
  scarce: boolean;
  usedAt: number;
  /** An answer of the database got lost: it may count more as held here than we do. */
  doubtful: boolean;
  returning: Promise<void> | null;
  asking: boolean;
  waiting: Waiting[];
  refused: { readonly until: number; readonly room: number; readonly lease: Lease } | null;
};
type Waiting = { readonly nanoUsd: number; readonly accept: () => void; readonly refuse: (cause: unknown) => void };

/** Leased beyond what the waiting calls need: for so many like the dearest of them, and never more than a hundredth of the budget. */
const EXTRA_CALLS = 1024;
const EXTRA_SHARE = 100;
/** How long a refusal stands without a look into the database. */
const REFUSAL_MS = 100;
const ANSWER_MAX_MS = 3000;

export function newPurse(window: WindowName, budget: Budget): Purse {
  return {
    window,
    budget,
    limit: budget.limitNanoUsd,
    held: 0,
    reserved: 0,
    unentered: 0,
    scarce: false,
    usedAt: 0,
    doubtful: false,
    returning: null,
    asking: false,
    waiting: [],
    refused: null,
  };
}

export function free(purse: Purse): number {
  return purse.held - purse.reserved - purse.unentered;
}

export function take(purse: Purse, nanoUsd: number, now: number): void {
  purse.reserved += nanoUsd;
  purse.usedAt = now;
}

export function takeOne(needs: PurseNeeds, purse: Purse, nanoUsd: number): Promise<void> {
  const { refused } = purse;
  const now = needs.clock.monotonic();
  if (refused && now < refused.until && nanoUsd > refused.room + Math.max(0, free(purse))) throw exceeded(purse, refused.lease);
  return new Promise((resolve, refuse) => {
    const accept = (): void => {
      take(purse, nanoUsd, needs.clock.monotonic());
      resolve();
    };
    purse.waiting.push({ nanoUsd, accept, refuse });
    if (!purse.asking) void askForAll(needs, purse);
  });
}

/** One question for all calls that wait, while the next ones gather. */
async function askForAll(needs: PurseNeeds, purse: Purse): Promise<void> {
  purse.asking = true;
  while (purse.waiting.length > 0) {
    const calls = purse.waiting;
    purse.waiting = [];
    try {
      await purse.returning;
      const lease = await leaseFor(needs, purse, calls);
      serve(needs, purse, calls, lease);
    } catch (cause) {
      purse.doubtful = true;
      for (const call of calls) call.refuse(cause);
    }
  }
  purse.asking = false;
  if (purse.scarce) void giveBackFree(needs, purse);
}

async function leaseFor(needs: PurseNeeds, purse: Purse, calls: readonly Waiting[]): Promise<Lease> {
  if (!needs.isAlive()) throw unknown();
  const costs = calls.map((call) => call.nanoUsd);
  const dearest = Math.max(...costs);
  const spare = Math.max(0, free(purse));
  const asking = needs.lease(purse.window, {
    budgetNanoUsd: purse.limit,
    leastNeed: Math.max(1, Math.min(...costs) - spare),
    need: Math.max(1, costs.reduce((sum, cost) => sum + cost, 0) - spare),
    // Whole calls: of a part of one nobody has any use.
    extra: dearest * Math.min(EXTRA_CALLS, Math.floor(purse.limit / EXTRA_SHARE / dearest)),
  });
  const received = asking.then((lease) => {
    // Also when it comes too late for those who asked: it is held all the same.
    purse.held += lease.granted;
    return lease;
  });
  return withinTime(needs.clock, received);
}

function serve(needs: PurseNeeds, purse: Purse, calls: readonly Waiting[], lease: Lease): void {
  const room = purse.limit - lease.spent - lease.leased - lease.granted;
  purse.scarce = room < purse.limit / 4;
  purse.refused = null;
  for (const call of calls) {
    if (free(purse) >= call.nanoUsd) call.accept();
    else {
      purse.refused = { until: needs.clock.monotonic() + REFUSAL_MS, room, lease };
      call.refuse(exceeded(purse, lease));
    }
  }
}

/** Never while more is being asked for: what is kept is said as a sum, and would take a lease away that has just been given. */
export async function giveBackFree(needs: PurseNeeds, purse: Purse): Promise<void> {
  const nanoUsd = free(purse);
  if (purse.asking || purse.returning !== null || (nanoUsd <= 0 && !purse.doubtful)) return;
  purse.held -= Math.max(0, nanoUsd);
  // Calls that are being entered at this moment may be counted twice in what is kept: looked at again when they are through.
  purse.doubtful = purse.unentered > 0;
  purse.returning = needs.keep(purse.window, Math.max(0, purse.held)).catch((cause: unknown) => {
    purse.doubtful = true;
    needs.log.debug('a part of a budget could not be given back yet', { budget: purse.window.scope, reason: cause instanceof Error ? cause.message : '' });
  });
  await purse.returning;
  purse.returning = null;
}

function withinTime<Result>(clock: Clock, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ANSWER_MAX_MS, () => reject(unknown()));
    work.then(resolve, reject).finally(cancel);
  });
}

function unknown(): AppError {
  return new AppError('SERVICE_UNAVAILABLE', { message: 'What is left of the budget cannot be found out, because the database is away', retryAfterMs: 1000 });
}

function exceeded({ budget, window, limit }: Purse, { spent, leased }: Lease): AppError {
  return new AppError('BUDGET_EXCEEDED', {
    message: `The budget of this ${budget.scope} is used up: ${usd(spent)} of ${usd(limit)} USD ${PERIODS[budget.period]}${leased > 0 ? `, and calls under way may cost ${usd(leased)}` : ''}`,
    details: {
      budget: limit / 1e9,
      spent: spent / 1e9,
      reserved: leased / 1e9,
      resets_at: Number.isFinite(window.endsAt) ? new Date(window.endsAt).toISOString() : null,
      scope: budget.scope,
      id: budget.id,
      period: budget.period,
    },
    // Official clients try a 402 once more unless they are told that it is of no use.
    headers: { 'x-should-retry': 'false' },
  });
}

const PERIODS = { day: 'today', month: 'this month', total: 'in total' } as const;

function usd(nanoUsd: number): string {
  return (nanoUsd / 1e9).toFixed(9).replace(/\.?0+$/, '');
}
