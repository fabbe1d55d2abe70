import { AppError } from '../../../contract/errors.ts';
import type { Budget } from '../../../contract/policy.ts';
import { budgetWindow } from '../../../core/budget-window.ts';
import { type Held, holdMoney } from './lines/store.ts';
import type { Db } from './store.ts';

export type Holding = { readonly holder: string; readonly budgets: readonly Budget[]; readonly at: Date; readonly nanoUsd: number };

/** There is not so much left. It ends the transaction, so that nothing is held of the other budgets either. */
export class NoRoom extends Error {
  readonly roomNanoUsd: number;
  readonly refusal: AppError;

  constructor(budget: Budget, { roomNanoUsd, spentNanoUsd, leasedNanoUsd }: Held) {
    super('there is no room in a budget');
    this.roomNanoUsd = roomNanoUsd;
    this.refusal = new AppError('BUDGET_EXCEEDED', {
      message: `The budget of this ${budget.scope} is used up: ${spentNanoUsd / 1e9} of ${budget.limitNanoUsd / 1e9} USD are spent${leasedNanoUsd > 0 ? `, and calls under way may cost ${leasedNanoUsd / 1e9}` : ''}`,
      details: { budget: budget.limitNanoUsd / 1e9, spent: spentNanoUsd / 1e9, reserved: leasedNanoUsd / 1e9, scope: budget.scope, id: budget.id },
    });
  }
}

/** Holds money of every budget, for calls that are of this moment; or throws NoRoom. */
export async function holdOfEach(db: Db, { holder, budgets, at, nanoUsd }: Holding): Promise<void> {
  if (nanoUsd === 0) return;
  // In the order in which the ledger takes them, so that neither waits for the other in a circle.
  for (const budget of budgets.toSorted(byName)) {
    const window = budgetWindow(budget.period, budget.timeZone, at.getTime());
    const held = await holdMoney(db, { holder, budget, window, nanoUsd });
    if (!held.granted) throw new NoRoom(budget, held);
  }
}

function byName(one: Budget, other: Budget): number {
  const [name, otherName] = [one, other].map(({ scope, id, period }) => `${scope}:${id} ${period}`);
  return (name ?? '') < (otherName ?? '') ? -1 : 1;
}
