import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { StoredCall } from './usage/call.ts';
import { parse } from './usage/csv.ts';
import { dayIn, FROM, KEYS, PROJECTS, SUMMED, type Sums, sumsOf, TO, traffic, USERS } from './usage/traffic.ts';
import { ledgerMonth, openWorld, type World } from './usage/world.ts';

/** Every number that is shown is a sum of the same rows, wherever it is shown. */
const CALLS = traffic(4000);
const ZONES = ['UTC', 'America/Los_Angeles', 'Asia/Kolkata'];
const RANGE = `from=${FROM}&to=${TO}`;

type Group = Readonly<Record<string, string | number | null>>;
type Usage = { readonly from: string; readonly to: string; readonly time_zone: string; readonly data: readonly Group[]; readonly total: Group };

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.alter([ledgerMonth('2026-02', '2026-03'), ledgerMonth('2026-03', '2026-04')].join(';'));
  await world.alter(`insert into projects (id, name) values ('prj_other', '=Other');
    insert into api_keys (id, project_id, name, prefix) values ('${KEYS[0]}', 'default', 'Ingest', 'sk-sluice-abc'), ('${KEYS[1]}', 'default', 'Nightly', 'sk-sluice-def');
    insert into users (id, username, password_hash, password_source, role, project_id) values ('${USERS[0]}', 'ada', 'x', 'user', 'member', 'default')`);
  for (let from = 0; from < CALLS.length; from += 1000) await world.settle(CALLS.slice(from, from + 1000));
}, 60_000);
afterAll(() => world.stop());

async function usage(query: string): Promise<Usage> {
  const { status, json, text } = await world.get<Usage>(`/api/v1/usage?${query}`);
  if (status !== 200) throw new Error(text);
  return json;
}

/** In nano-USD, so that it can be compared to the last digit. */
function shown(group: Group): Sums {
  const nano = (name: string): number => Math.round(Number(group[name.replace('nano_usd', 'usd')]) * 1e9);
  return Object.fromEntries(SUMMED.map((name) => [name, name.endsWith('nano_usd') ? nano(name) : Number(group[name])])) as Sums;
}

function added(groups: readonly Group[]): Sums {
  const all = groups.map(shown);
  return Object.fromEntries(SUMMED.map((name) => [name, all.reduce((sum, one) => sum + one[name], 0)])) as Sums;
}

/** The calls that a range of days means. */
function within(timeZone: string, from: string, to: string) {
  const day = dayIn(timeZone);
  return CALLS.filter((call) => day(call) >= from && day(call) <= to);
}

describe.each(ZONES)('in %s', (timeZone) => {
  const zone = `time_zone=${encodeURIComponent(timeZone)}`;
  const mine = within(timeZone, FROM, TO);

  test('each day is the sum of its calls, and the days are the range, over the night in which the clocks are moved', async () => {
    const day = dayIn(timeZone);
    const expected = [...Map.groupBy(mine, day)].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, calls]) => [name, sumsOf(calls)]);
    const { data, total } = await usage(`${RANGE}&${zone}&group_by=day`);
    expect(data.map((group) => [group['day'], shown(group)])).toEqual(expected);
    expect(shown(total)).toEqual(sumsOf(mine));
  });

  test.each(['hour', 'week', 'month', 'model,provider', 'key,day', 'project,user', 'route,template,job', 'model,hour,key,project,user,template,route,job'])(
    'the sums by %s add up to the range',
    async (groupBy) => {
      const { data, total } = await usage(`${RANGE}&${zone}&group_by=${groupBy}`);
      expect(added(data)).toEqual(sumsOf(mine));
      expect(shown(total)).toEqual(sumsOf(mine));
    },
  );

  test('a day asked for by itself is that day of the range', async () => {
    for (const date of ['2026-03-07', '2026-03-08', '2026-03-09']) {
      const { total } = await usage(`from=${date}&to=${date}&${zone}`);
      expect(shown(total)).toEqual(sumsOf(within(timeZone, date, date)));
    }
  });

  test('the table of calls has each call once and adds up to the range, and so has the table of groups', async () => {
    const calls = parse((await world.get(`/api/v1/usage/export?format=csv&${RANGE}&${zone}`)).text);
    expect(calls.map(({ id }) => id)).toEqual(mine.toSorted(byTime).map(({ id }) => id));
    const exact = calls.reduce((sum, { cost_usd: cost }) => sum + nanoOf(cost ?? ''), 0n);
    expect(exact).toBe(BigInt(sumsOf(mine).cost_nano_usd));
    const groups = parse((await world.get(`/api/v1/usage/export?group_by=day,key,user&${RANGE}&${zone}`)).text);
    expect(added(groups)).toEqual(sumsOf(mine));
  });
});

function byTime(a: StoredCall, b: StoredCall): number {
  return a.at < b.at || (a.at === b.at && a.id < b.id) ? -1 : 1;
}

/** From the digits, not by way of a number. */
function nanoOf(usd: string): bigint {
  const [dollars = '', fraction = ''] = usd.split('.');
  return BigInt(dollars) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

test('moments finer than a quarter of an hour count to the millisecond, and join without a gap', async () => {
  const cuts = [`${FROM}T00:00:00Z`, '2026-03-03T11:07:31.123Z', CALLS[7]?.at ?? '', `${TO}T00:00:00Z`]
    .map((text) => Date.parse(text))
    .toSorted((a, b) => a - b);
  const between = (from: number, to: number) => CALLS.filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < to);
  const parts = await Promise.all(cuts.slice(1).map((to, index) => usage(`from=${new Date(cuts[index] ?? 0).toISOString()}&to=${new Date(to).toISOString()}`)));
  expect(parts.map(({ total }) => shown(total))).toEqual(cuts.slice(1).map((to, index) => sumsOf(between(cuts[index] ?? 0, to))));
  expect(added(parts.map(({ total }) => total))).toEqual(sumsOf(between(0, Date.parse(`${TO}T00:00:00Z`))));
});

test('an hour that is left out and one that comes twice are named by their offset', async () => {
  const { data } = await usage('from=2026-03-08&to=2026-03-08&group_by=hour&time_zone=America/Los_Angeles');
  expect(data.map(({ hour }) => hour)).toContain('2026-03-08T01:00:00-08:00');
  expect(data.map(({ hour }) => hour)).toContain('2026-03-08T03:00:00-07:00');
  expect(data.some(({ hour }) => String(hour).startsWith('2026-03-08T02'))).toBe(false);
});

test('names stand beside ids, and what was deleted stays by its id', async () => {
  const { data } = await usage(`${RANGE}&group_by=key,user,project`);
  const named = (id: string, name: string) => [...new Set(data.map((group) => (group[id] === null ? 'none' : `${group[id]}: ${group[name]}`)))].toSorted();
  expect(named('key_id', 'key_name')).toEqual([`key_gone: null`, 'key_ingest: Ingest', 'key_nightly: Nightly', 'none']);
  expect(named('user_id', 'user_name')).toEqual(['none', 'usr_ada: ada', 'usr_gone: null']);
  expect(named('project_id', 'project_name')).toEqual(['default: Default', 'prj_other: =Other']);
});

test('filters count as one, whatever is grouped by', async () => {
  const mine = CALLS.filter((call) => call.model === 'gpt-4o' && call.key_id === 'key_ingest' && call.project_id === 'prj_other');
  const { data } = await usage(`from=${FROM}&to=${TO}&group_by=day&model=gpt-4o&key_id=key_ingest&project_id=prj_other`);
  expect(added(data)).toEqual(sumsOf(mine));
  expect((await usage(`${RANGE}&model=nothing`)).data).toEqual([]);
});

test('a project has a time zone of its own, which counts where none is asked for', async () => {
  await world.alter(`update projects set time_zone = 'Asia/Kolkata' where id = 'prj_other'`);
  expect(await usage(`${RANGE}&project_id=prj_other`)).toMatchObject({
    time_zone: 'Asia/Kolkata',
    from: '2026-02-26T18:30:00.000Z',
    to: '2026-03-12T18:30:00.000Z',
  });
  expect(await usage(RANGE)).toMatchObject({ time_zone: 'UTC', to: '2026-03-13T00:00:00.000Z' });
});

test('a spreadsheet runs nothing of a table, and JSON lines hold what is there', async () => {
  const table = (await world.get(`/api/v1/usage/export?group_by=project&${RANGE}`)).text;
  expect(table).toContain("prj_other,'=Other,");
  expect(table.split('\r\n')[0]).toStartWith('project_id,project_name,calls,failed_calls');
  const { text, headers } = await world.get(`/api/v1/usage/export?format=jsonl&group_by=project&${RANGE}`);
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as Group)['project_name']),
  ).toEqual(['Default', '=Other']);
  expect(headers.get('content-disposition')).toBe(`attachment; filename="groups-${FROM}-to-${TO}.jsonl"`);
});

describe('what cannot be answered is refused with what to change', () => {
  const refused: [query: string, field: string, words: string][] = [
    ['group_by=day,colour', 'group_by', 'must be words of hour, day'],
    ['from=2026-02-30', 'from', 'must be a day such as'],
    ['time_zone=Mars/Olympus', 'time_zone', 'must be the name of a time zone'],
    ['from=2026-03-02&to=2026-03-01', 'from', 'must be before to'],
    ['from=2010-01-01&to=2026-01-01', 'from', 'at most ten years'],
    ['from=2024-01-01&to=2026-03-01&group_by=hour', 'group_by', 'more than 10000 parts'],
  ];
  test.each(refused)('%s', async (query, field, words) => {
    const { status, json } = await world.get<{ error: { field: string; message: string } }>(`/api/v1/usage?${query}`);
    expect([status, json.error.field]).toEqual([422, field]);
    expect(json.error.message).toContain(words);
  });
});

test('two projects share no call, and an administrator sees both', async () => {
  const { data } = await usage(`${RANGE}&group_by=project`);
  expect(Object.fromEntries(data.map((group) => [group['project_id'], shown(group)]))).toEqual(
    Object.fromEntries(PROJECTS.map((project) => [project, sumsOf(within('UTC', FROM, TO).filter((call) => call.project_id === project))])),
  );
});

/** Each of them is a process of its own. */
const COMMANDS_LIMIT_MS = 20_000;

async function sluice(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn([join(import.meta.dir, '../bin/sluice'), 'usage', ...words], {
    cwd: world.sluice.dataDir,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: world.sluice.dataDir,
      SLUICE_URL: world.sluice.url,
      SLUICE_API_KEY: (world.authorization['authorization'] ?? '').replace('Bearer ', ''),
    },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, out, err };
}

describe('sluice usage', () => {
  const range = ['--from', FROM, '--to', TO];

  test(
    'prints a table with names, numbers and a total',
    async () => {
      await world.alter(`update api_keys set name = E'Nightly\\x1b[2J' where id = 'key_nightly'`);
      const { code, out } = await sluice('--group', 'key', ...range);
      const { calls, cost_nano_usd: cost } = sumsOf(within('UTC', FROM, TO));
      expect(code).toBe(0);
      expect(out.split('\n')[0]).toMatch(/^key +calls +failed +cached +tokens in +tokens out +cost +saved$/);
      expect(out).toMatch(/^Nightly\?\[2J +\d/m);
      expect(out).toMatch(/^key_gone +\d/m);
      expect(out).toMatch(
        new RegExp(
          `^total +${calls.toLocaleString('en-US')} .*\\$${(cost / 1e9).toLocaleString('en-US', { maximumFractionDigits: 4, minimumFractionDigits: 4 })} `,
          'm',
        ),
      );
      expect(out).toContain('days of UTC');
    },
    COMMANDS_LIMIT_MS,
  );

  test(
    'prints what the service says with --json and --csv',
    async () => {
      const words = ['--group', 'day,model', '--time-zone', 'Asia/Kolkata', '--model', 'gpt-4o', ...range];
      const query = `${RANGE}&group_by=day,model&time_zone=Asia/Kolkata&model=gpt-4o`;
      expect(JSON.parse((await sluice('--json', ...words)).out)).toEqual(await usage(query));
      expect((await sluice('--csv', ...words)).out).toBe((await world.get(`/api/v1/usage/export?${query}`)).text);
    },
    COMMANDS_LIMIT_MS,
  );

  test(
    'says so where nothing was called, and refuses what has no meaning',
    async () => {
      expect(await sluice('--since', '1m', '--key', 'nobody')).toMatchObject({ code: 0, out: expect.stringMatching(/^no calls from /) });
      expect(await sluice('--since', '30d', '--from', FROM)).toMatchObject({ code: 2, err: expect.stringContaining('both --since and --from') });
      expect(await sluice('--csv', '--json')).toMatchObject({ code: 2, out: '' });
      expect(await sluice('--group', 'colour')).toMatchObject({ code: 1, err: expect.stringContaining('must be words of hour') });
    },
    COMMANDS_LIMIT_MS,
  );
});
