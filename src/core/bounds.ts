import type { z } from 'zod';
import type { BudgetBody } from '../contract/bounds.ts';
import type { BudgetPeriod } from '../contract/policy.ts';

/** Limits and budgets on their way between bodies and columns. What a body leaves out stays as it is. */
type BudgetBody = z.output<typeof BudgetBody>;
type Limits = { readonly rpm?: number | null | undefined; readonly tpm?: number | null | undefined; readonly max_parallel?: number | null | undefined };
type Budgeted = { readonly budget?: BudgetBody | null | undefined };
export type BudgetColumns = { readonly budget_nano_usd: number | null; readonly budget_period: BudgetPeriod | null };
export type LimitColumns = { readonly rpm: number | null; readonly tpm: number | null; readonly max_parallel: number | null };

const NANO_IN_USD = 1e9;

export function budgetColumns({ budget }: Budgeted): Partial<BudgetColumns> {
  if (budget === undefined) return {};
  if (budget === null) return { budget_nano_usd: null, budget_period: null };
  return { budget_nano_usd: Math.round(budget.usd * NANO_IN_USD), budget_period: budget.period };
}

export function limitColumns({ rpm, tpm, max_parallel }: Limits): Partial<LimitColumns> {
  return { ...(rpm === undefined ? {} : { rpm }), ...(tpm === undefined ? {} : { tpm }), ...(max_parallel === undefined ? {} : { max_parallel }) };
}

export function budgetReply({ budget_nano_usd: nanoUsd, budget_period: period }: BudgetColumns): BudgetBody | null {
  return nanoUsd === null || period === null ? null : { usd: nanoUsd / NANO_IN_USD, period };
}

export function limitsReply({ rpm, tpm, max_parallel }: LimitColumns): LimitColumns {
  return { rpm, tpm, max_parallel };
}
