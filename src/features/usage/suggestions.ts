import { type App, EVERY_PROJECT } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { SuggestionsQuery } from '../../contract/usage.ts';
import { usdOf } from '../../core/money.ts';
import { type KnownModel, suggest, type Suggestion } from '../../core/suggestions.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { type Question, readQuestion } from './asked.ts';
import { addUp, COLUMN, type Condition, readGroups, readTraffic, sampleRequests } from './store.ts';

const SAMPLE = 5;
/** Each call is looked at, several times. */
const RANGE_MAX_DAYS = 92;
const DAY_MS = 86_400_000;
/** What the whole of the range cost needs no groups. */
const WHOLE = { after: null, limit: 1 };

export async function showSuggestions(app: App, exchange: Exchange<undefined, SuggestionsQuery, undefined>): Promise<Reply> {
  const question = await readQuestion(app, exchange, '');
  const { projectId, range, timeZone, asked } = question;
  if (range.toMs - range.fromMs > RANGE_MAX_DAYS * DAY_MS) {
    throw new AppError('INVALID_VALUE', {
      field: 'from',
      message: `from must be at most ${RANGE_MAX_DAYS} days before to`,
      details: { max_days: RANGE_MAX_DAYS },
    });
  }
  const { settings } = app.config();
  const json = await app.inProject(projectId ?? EVERY_PROJECT, async (db) => {
    const look = { range, conditions: asked.conditions };
    const found = suggest(await readTraffic(db, look, settings.cacheTtlS), knownModels(app), settings.cacheTtlS);
    const spent = addUp((await readGroups(db, asked, WHOLE)).map(({ sums }) => sums));
    const data = [];
    for (const suggestion of found) {
      const conditions = [...asked.conditions, ...conditionsOf(suggestion)];
      data.push(reply(question, { suggestion, requestIds: await sampleRequests(db, { range, conditions }, SAMPLE) }));
    }
    return { from: iso(range.fromMs), to: iso(range.toMs), time_zone: timeZone, cost_usd: usdOf(spent.cost_nano_usd), data };
  });
  return { json };
}

/** Those whose price somebody stated. */
function knownModels({ gateway }: Pick<App, 'gateway'>): KnownModel[] {
  return gateway
    .models()
    .filter(({ alias, priceAssumed }) => !alias && !priceAssumed)
    .map(({ provider, facts, price }) => ({ provider, model: facts.id, capabilities: facts.capabilities, price }));
}

function conditionsOf({ filters }: Suggestion): Condition[] {
  return Object.values(COLUMN).flatMap((column) => (filters[column] === undefined ? [] : [[column, filters[column]] as const]));
}

type Shown = { readonly suggestion: Suggestion; readonly requestIds: readonly string[] };

function reply({ range, asked }: Question, { suggestion, requestIds }: Shown): object {
  const { kind, title, savesNanoUsd, explanation, advice, calls, filters } = suggestion;
  const own = Object.fromEntries(asked.conditions.filter(([column]) => column === 'project_id'));
  const link = new URLSearchParams({ ...own, ...filters, from: iso(range.fromMs), to: iso(range.toMs) });
  return { kind, title, saves_usd: usdOf(savesNanoUsd), explanation, advice, calls, rows: `/api/v1/requests?${link.toString()}`, request_ids: requestIds };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
