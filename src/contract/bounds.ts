import { z } from 'zod';
import { BUDGET_PERIODS } from './policy.ts';

/** What a key, a user or a project may use at a time and spend, as bodies and answers say it. */
const USD_MAX = 1_000_000;
/** What the database counts to. */
const COUNT_MAX = 2_147_483_647;

export const BudgetBody = z
  .strictObject({
    usd: z.number().min(0).max(USD_MAX).describe('It is hard: what a call may cost is set aside before it starts.'),
    period: z.enum(BUDGET_PERIODS).describe("A day or month of the project's time zone, or in total."),
  })
  .meta({ id: 'Budget' });

const most = (what: string) => z.int().min(1).max(COUNT_MAX).nullable().describe(`${what}; null is as many as you like.`);
const LIMIT_FIELDS = {
  rpm: most('Calls a minute'),
  tpm: most('Tokens a minute'),
  max_parallel: most('Calls at once'),
};
export const BUDGET_FIELD = { budget: BudgetBody.nullable().describe('Null is none.') };
export const BOUND_FIELDS = { ...LIMIT_FIELDS, ...BUDGET_FIELD };

/** The same where a request may leave them out. */
export const OPTIONAL_BUDGET = { budget: BUDGET_FIELD.budget.optional() };
export const OPTIONAL_BOUNDS = {
  rpm: LIMIT_FIELDS.rpm.optional(),
  tpm: LIMIT_FIELDS.tpm.optional(),
  max_parallel: LIMIT_FIELDS.max_parallel.optional(),
  ...OPTIONAL_BUDGET,
};
