import { type App, EVERY_PROJECT } from '../../app.ts';
import type { UsageExportQuery } from '../../contract/usage.ts';
import { inUsd, usdText } from '../../core/money.ts';
import { dateAt } from '../../core/time-zone.ts';
import type { Exchange, Reply, Sink } from '../../http/route.ts';
import { csvRecord, type CsvValue } from '../../wire/csv.ts';
import { DEFAULT_GROUPING, type Question, readQuestion } from './asked.ts';
import { groupFields, idsOf, sumFields } from './groups.ts';
import { addUp, type Call, CALL_COLUMNS, type CallPlace, type Group, readCalls, readGroups, readNames } from './store.ts';

/** A line, with its amounts in nano-USD. */
type Line = Readonly<Record<string, CsvValue | bigint>>;
type Source = { readonly columns: readonly string[]; readonly pages: AsyncGenerator<readonly Line[], void> };

const CALLS_A_PAGE = 1000;
/** Each page of groups sums the range anew, so that they are larger. */
const GROUPS_A_PAGE = 10_000;
const TYPES = { csv: 'text/csv; charset=utf-8; header=present', jsonl: 'application/jsonl; charset=utf-8' } as const;
const NO_NAMES = { key: new Map(), user: new Map(), project: new Map() };

/** Everything, in pages, so that neither we nor the database hold more than one of them; a reader who is slow holds no connection meanwhile. */
export async function exportUsage(app: App, exchange: Exchange<undefined, UsageExportQuery, undefined>): Promise<Reply> {
  const { format, rows = exchange.query.group_by === undefined ? 'calls' : 'groups' } = exchange.query;
  const question = await readQuestion(app, exchange, exchange.query.group_by ?? DEFAULT_GROUPING);
  const { columns, pages } = rows === 'calls' ? calls(app, question) : groups(app, question);
  // Read before the head goes out, so that what is wrong has a status of its own.
  const first = await pages.next();
  const days = [dateAt(question.range.fromMs, question.timeZone), dateAt(question.range.toMs - 1, question.timeZone)];
  const record = format === 'csv' ? (line: Line) => csvRecord(columns.map((name) => exact(line[name] ?? null))) : jsonLine;
  return {
    headers: { 'content-type': TYPES[format], 'content-disposition': `attachment; filename="${rows}-${days.join('-to-')}.${format}"` },
    async stream(sink) {
      if (format === 'csv') await sink.write(csvRecord(columns));
      if (first.done) return;
      await writePage(sink, first.value, record);
      for await (const page of pages) await writePage(sink, page, record);
    },
  };
}

async function writePage(sink: Sink, page: readonly Line[], record: (line: Line) => string): Promise<void> {
  await sink.write(page.map(record).join(''));
}

function jsonLine(line: Line): string {
  return `${JSON.stringify(inUsd(line))}\n`;
}

/** A table is added up elsewhere: not a millionth of a cent is lost in it. */
function exact(value: CsvValue | bigint): CsvValue {
  return typeof value === 'bigint' ? usdText(value) : value;
}

function calls(app: Pick<App, 'inProject'>, { projectId, range, asked }: Question): Source {
  async function* pages(): AsyncGenerator<readonly Line[], void> {
    for (let after: CallPlace | null = null; ;) {
      const page: Call[] = await app.inProject(projectId ?? EVERY_PROJECT, (db) =>
        readCalls(db, { range, conditions: asked.conditions, after, limit: CALLS_A_PAGE }),
      );
      yield page.map(callLine);
      const last = page.at(-1);
      if (last === undefined || page.length < CALLS_A_PAGE) return;
      after = { at: last.place, id: last.id };
    }
  }
  return { columns: CALL_COLUMNS.map((name) => name.replace('_nano_usd', '_usd')), pages: pages() };
}

function callLine({ place: _place, at, cost_nano_usd: cost, saved_nano_usd: saved, ...call }: Call): Line {
  return { ...call, at: at.toISOString(), cost_usd: BigInt(cost), saved_usd: BigInt(saved) };
}

function groups(app: Pick<App, 'inProject'>, question: Question): Source {
  async function* pages(): AsyncGenerator<readonly Line[], void> {
    for (let after: Group | null = null; ;) {
      const place: Group | null = after;
      const { page, names } = await app.inProject(question.projectId ?? EVERY_PROJECT, async (db) => {
        const found = await readGroups(db, question.asked, { after: place, limit: GROUPS_A_PAGE });
        return { page: found, names: await readNames(db, idsOf(question, found)) };
      });
      yield page.map((group) => Object.assign(groupFields(question, group, names), sumFields(group.sums)) as Line);
      const last = page.at(-1);
      if (last === undefined || page.length < GROUPS_A_PAGE) return;
      after = last;
    }
  }
  const none: Group = { period: 0, values: [], sums: addUp([]) };
  return { columns: Object.keys({ ...groupFields(question, none, NO_NAMES), ...sumFields(none.sums) }), pages: pages() };
}
