import { type App, EVERY_PROJECT } from '../../app.ts';
import type { UsageQuery } from '../../contract/usage.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { inUsd } from '../../core/money.ts';
import { DEFAULT_GROUPING, readQuestion, tooMuch } from './asked.ts';
import { groupFields, idsOf, sumFields } from './groups.ts';
import { addUp, type Group, readGroups, readNames } from './store.ts';

const GROUPS_MAX = 10_000;

export async function showUsage(app: App, exchange: Exchange<undefined, UsageQuery, undefined>): Promise<Reply> {
  const question = await readQuestion(app, exchange, exchange.query.group_by ?? DEFAULT_GROUPING);
  const { range, timeZone, groupings, asked } = question;
  const { groups, names } = await app.inProject(question.projectId ?? EVERY_PROJECT, async (db) => {
    const found = await readGroups(db, asked, { after: null, limit: GROUPS_MAX + 1 });
    return { groups: found, names: await readNames(db, idsOf(question, found)) };
  });
  if (groups.length > GROUPS_MAX) {
    const way = 'take a shorter range, fewer words in group_by, or a filter such as model; the export has no such limit';
    throw tooMuch(`group_by gives more than ${GROUPS_MAX} groups: ${way}`, GROUPS_MAX);
  }
  return {
    json: {
      from: new Date(range.fromMs).toISOString(),
      to: new Date(range.toMs).toISOString(),
      time_zone: timeZone,
      group_by: groupings,
      data: groups.toSorted(dearestFirst).map((group) => Object.assign(groupFields(question, group, names), inUsd(sumFields(group.sums)))),
      total: inUsd(sumFields(addUp(groups.map(({ sums }) => sums)))),
    },
  };
}

function dearestFirst(a: Group, b: Group): number {
  const dearer = b.sums.cost_nano_usd - a.sums.cost_nano_usd;
  return a.period - b.period || (dearer === 0n ? b.sums.calls - a.sums.calls : dearer > 0n ? 1 : -1);
}
