import { type Command, InvalidArgumentError } from 'commander';

/** How much a key or a user may, on a command line. What is given as `none` is taken away. */
export type BoundOptions = {
  readonly rpm?: Count;
  readonly tpm?: Count;
  readonly maxParallel?: Count;
  readonly budget?: Budget;
};

type Count = number | 'none';
type Budget = { readonly usd: number; readonly period: string } | 'none';

export function addBoundOptions(command: Command): Command {
  return command
    .option('--rpm <number>', 'calls a minute, or `none`', readCount)
    .option('--tpm <number>', 'tokens a minute, or `none`', readCount)
    .option('--max-parallel <number>', 'calls at once, or `none`', readCount)
    .option('--budget <usd/period>', 'USD a day, a month or in total: 5/day, 20/month, 100/total; or `none`', readBudget);
}

export function boundsOf({ rpm, tpm, maxParallel, budget }: BoundOptions): object {
  const given = Object.entries({ rpm, tpm, max_parallel: maxParallel, budget }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, value === 'none' ? null : value]));
}

function readCount(text: string): Count {
  if (text === 'none') return text;
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It is neither a whole number nor `none`.');
  return Number(text);
}

function readBudget(text: string): Budget {
  if (text === 'none') return text;
  const [, usd, period] = /^\$?(\d+(?:\.\d+)?)\/(day|month|total)$/.exec(text) ?? [];
  if (usd === undefined || period === undefined) throw new InvalidArgumentError('It is not like 5/day, 20/month, 100/total or `none`.');
  return { usd: Number(usd), period };
}

/** How many rows a list shows. */
export function rowCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It is not a whole number above 0.');
  return Number(text);
}
