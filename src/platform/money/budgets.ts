import type { Budgets, Reservation } from '../../app/spending.ts';
import type { Budget } from '../../contract/policy.ts';
import { budgetWindow } from '../../core/budget-window.ts';
import { every } from '../../core/every.ts';
import { free, giveBackFree, newPurse, type Purse, type PurseNeeds, take, takeOne } from './purse.ts';

export type RunningBudgets = Budgets & {
  /** Others took this process for dead, and have what it held. */
  readonly forget: () => void;
  /** Gives back all that no call needs. */
  readonly stop: () => Promise<void>;
};

const TIDY_MS = 1000;
const NOTHING_SET_ASIDE: Reservation = { settle: () => () => undefined };

/**
 * A process leases a little of each budget that its calls spend from, so that nearly every call is admitted without a question to anybody, and
 * all processes together can never hold more than there is.
 */
export function createBudgets(needs: PurseNeeds): RunningBudgets {
  const purses = new Map<string, Purse>();
  const purseOf = purseFinder(needs, purses);
  const stopTidying = every(needs.clock, TIDY_MS, () => tidy(needs, purses));
  return {
    reserve(budgets, nanoUsd) {
      if (budgets.length === 0 || nanoUsd === 0) return NOTHING_SET_ASIDE;
      const asked = budgets.map(purseOf);
      return takeHeld(needs, asked, nanoUsd) ?? takeEach(needs, asked, nanoUsd);
    },
    forget() {
      for (const purse of purses.values()) purse.held = 0;
    },
    async stop() {
      await stopTidying();
      for (const purse of purses.values()) await giveBackFree(needs, purse);
    },
  };
}

function purseFinder({ clock }: PurseNeeds, purses: Map<string, Purse>): (budget: Budget) => Purse {
  const latest = new WeakMap<Budget, Purse>();
  return (budget) => {
    const known = latest.get(budget);
    const now = clock.now();
    if (known && now < known.window.endsAt && now >= known.window.startsAt) return known;
    const window = { scope: `${budget.scope}:${budget.id}`, period: budget.period, ...budgetWindow(budget.period, budget.timeZone, now) };
    const name = `${window.scope} ${window.period} ${window.startsAt}`;
    const purse = purses.get(name) ?? newPurse(window, budget);
    purse.budget = budget;
    purse.limit = budget.limitNanoUsd;
    purses.set(name, purse);
    latest.set(budget, purse);
    return purse;
  };
}

/** Sets aside at once where what is held suffices; null where the database has to be asked. */
function takeHeld(needs: PurseNeeds, asked: readonly Purse[], nanoUsd: number): Reservation | null {
  if (!needs.isAlive()) return null;
  for (const purse of asked) if (purse.asking || free(purse) < nanoUsd) return null;
  for (const purse of asked) take(purse, nanoUsd, needs.clock.monotonic());
  return reservation(needs, asked, nanoUsd);
}

async function takeEach(needs: PurseNeeds, asked: readonly Purse[], nanoUsd: number): Promise<Reservation> {
  const taken: Purse[] = [];
  try {
    for (const purse of asked) {
      await takeOne(needs, purse, nanoUsd);
      taken.push(purse);
    }
    return reservation(needs, asked, nanoUsd);
  } catch (cause) {
    for (const purse of taken) purse.reserved -= nanoUsd;
    throw cause;
  }
}

function reservation(needs: PurseNeeds, asked: readonly Purse[], nanoUsd: number): Reservation {
  return {
    settle(costNanoUsd) {
      for (const purse of asked) {
        purse.reserved -= nanoUsd;
        purse.unentered += costNanoUsd;
      }
      return () => {
        for (const purse of asked) {
          purse.unentered -= costNanoUsd;
          purse.held -= Math.min(purse.held, costNanoUsd);
          if (purse.scarce) void giveBackFree(needs, purse);
        }
      };
    },
  };
}

/** What stands idle goes back where others can have it. */
async function tidy(needs: PurseNeeds, purses: Map<string, Purse>): Promise<void> {
  const now = needs.clock.monotonic();
  for (const [name, purse] of purses) {
    const idle = purse.reserved === 0 && purse.unentered === 0 && now - purse.usedAt >= TIDY_MS;
    if (idle || purse.scarce || purse.doubtful) await giveBackFree(needs, purse);
    if (idle && purse.held <= 0 && needs.clock.now() >= purse.window.endsAt) purses.delete(name);
  }
}
