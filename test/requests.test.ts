import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { RequestReply, RequestSummary } from '../src/contract/requests.ts';
import { ADMIN, type Answered, call, until } from './harness.ts';
import { ledgerCall, type StoredCall } from './usage/call.ts';
import { openWorld, type World } from './usage/world.ts';

type List = { readonly data: readonly RequestSummary[]; readonly has_more: boolean; readonly next_cursor: string | null };

const NOW = Date.now();
const ago = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString();
const FAILED = { provider: 'openai', model: 'gpt-4o', fault: 'rate_limited', status: 429, ms: 40 };

/** One of three calls, one that failed, one from the cache, one of another project, and one id that two requests have. */
const ROWS: readonly StoredCall[] = [
  ledgerCall({ id: 'call_long', at: ago(10), route: '/summarize', template_id: 'summarize_v1', cost_nano_usd: 2_000_000, queue_ms: 0.1 }),
  ledgerCall({
    id: 'call_long.2',
    root_id: 'call_long',
    request_id: 'req_of_call_long',
    at: ago(10),
    route: '/summarize',
    outcome: 'cut',
    error_code: 'TIMEOUT',
  }),
  ledgerCall({ id: 'call_long.10', root_id: 'call_long', request_id: 'req_of_call_long', at: ago(10), route: '/summarize', model: 'gpt-4o', queue_ms: 0.2 }),
  ledgerCall({ id: 'call_failed', at: ago(9), outcome: 'failed', error_code: 'UPSTREAM_RATE_LIMITED', failures: [FAILED, FAILED], cost_nano_usd: 0 }),
  ledgerCall({
    id: 'call_fallback',
    at: ago(8),
    failures: [FAILED],
    provider: 'anthropic',
    model: 'claude-opus-4.5',
    asked_model: 'fast',
    cost_nano_usd: 9_000_000,
  }),
  ledgerCall({ id: 'call_hit', at: ago(7), cache: 'HIT', cost_nano_usd: 0, saved_nano_usd: 700, request_hash: 'abc', first_piece_ms: null, upstream_ms: 0 }),
  ledgerCall({ id: 'call_other', at: ago(6), project_id: 'prj_other', key_id: 'key_other' }),
  ledgerCall({ id: 'call_twice_1', at: ago(5), request_id: 'mine-1', user_id: 'usr_member' }),
  ledgerCall({ id: 'call_twice_2', at: ago(4), request_id: 'mine-1', model: 'gpt-4o', key_id: 'key_gone' }),
];

let world: World;
let member: Record<string, string>;
beforeAll(async () => {
  world = await openWorld({ config: 'privacy: { keep_bodies: all }' });
  await world.alter(`insert into projects (id, name) values ('prj_other', 'Other');
    insert into users (id, username, password_hash, password_source, role, project_id)
      select 'usr_member', 'member', password_hash, 'user', 'member', 'default' from users where username = 'admin'`);
  await world.settle(ROWS);
  const { json } = await call<{ access_token: string }>(`${world.sluice.url}/auth/login`, { json: { ...ADMIN, username: 'member' } });
  member = { authorization: `Bearer ${json.access_token}` };
}, 60_000);
afterAll(() => world.stop());

async function ids(query: string): Promise<string[]> {
  const { json, status, text } = await world.get<List>(`/api/v1/requests?${query}`);
  if (status !== 200) throw new Error(text);
  return json.data.map(({ id }) => id);
}

const named = (...rest: string[]): string[] => rest.map((name) => (name.startsWith('mine') ? name : `req_of_call_${name}`));

describe('the list', () => {
  test('has each request once, newest first, an administrator those of all projects', async () => {
    expect(await ids('')).toEqual(named('mine-1', 'mine-1', 'other', 'hit', 'fallback', 'failed', 'long'));
  });

  test('is read page by page, each request once, while new ones come', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    for (let page = 0; cursor !== null; page++) {
      const { json }: Answered<List> = await world.get<List>(`/api/v1/requests?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...json.data.map(({ id }) => id));
      await world.settle([ledgerCall({ id: `call_new_${page}`, at: new Date(NOW + page).toISOString(), project_id: 'prj_passing' })]);
      cursor = json.next_cursor;
      expect(json.has_more).toBe(cursor !== null);
    }
    await world.alter(`delete from ledger where project_id = 'prj_passing'`);
    expect(seen).toEqual(await ids(''));
  });

  const filters: [query: string, found: string[]][] = [
    ['outcome=failed', ['failed']],
    ['outcome=cut', ['long']],
    ['outcome=ok', ['mine-1', 'mine-1', 'other', 'hit', 'fallback']],
    ['cached=true', ['hit']],
    ['cached=false&model=gpt-4o', ['mine-1', 'long']],
    ['model=gpt-4o-mini&provider=openai', ['mine-1', 'other', 'hit', 'failed', 'long']],
    ['provider=anthropic', ['fallback']],
    // The long one costs 0.004 in three calls.
    ['min_cost=0.004', ['fallback', 'long']],
    ['min_cost=0.0040001', ['fallback']],
    ['min_cost=0.009', ['fallback']],
    ['key_id=key_gone', ['mine-1']],
    ['user_id=usr_member', ['mine-1']],
    ['project_id=prj_other', ['other']],
    ['route=/summarize', ['long']],
    ['template_id=summarize_v1', ['long']],
    ['request_hash=abc', ['hit']],
    ['q=mine-1', ['mine-1', 'mine-1']],
    ['q=nothing', []],
    ['from=2020-01-01&to=2020-01-02', []],
  ];
  test.each(filters)('?%s', async (query, found) => expect(await ids(query)).toEqual(named(...found)));

  test('takes moments as they are', async () => expect(await ids(`from=${ago(6.5)}&to=${ago(4.5)}`)).toEqual(named('mine-1', 'other')));

  test('takes a day for the whole day of the time zone', async () => {
    const day = new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Kolkata' }).format(NOW - 8 * 60_000);
    expect(await ids(`from=${day}&to=${day}&time_zone=Asia/Kolkata&q=req_of_call_fallback`)).toEqual(named('fallback'));
    expect(await ids(`from=${day}&to=${day}&time_zone=Pacific/Kiritimati&q=nothing`)).toEqual([]);
  });

  test('refuses a cursor that it did not give, and what cannot be the name of anything', async () => {
    for (const query of ['cursor=nonsense', 'cursor=1.%00', 'model=a%00', 'q=%00', 'model='])
      expect((await world.get(`/api/v1/requests?${query}`)).status).toBe(422);
  });
});

function idOf(nth: number): string {
  return `req_of_call_many_${String(nth).padStart(4, '0')}`;
}

async function all(query: string): Promise<RequestSummary[]> {
  const found: RequestSummary[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { json }: Answered<List> = await world.get<List>(
      `/api/v1/requests?project_id=prj_many&limit=100&${query}${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    found.push(...json.data);
    cursor = json.next_cursor;
  }
  return found;
}

describe('among many', () => {
  /** Newest first: one of a single call, and 700 of two, of which every hundredth ended badly by its first. More than are looked through at once. */
  const many = [0, ...Array.from({ length: 700 }, (_, nth) => nth + 1)];
  /** The first 500 calls end between the two of this one. */
  const AT_THE_EDGE = 250;
  const bad = many.filter((nth) => nth > 0 && nth % 100 === 0);

  beforeAll(() =>
    world.settle(
      many.flatMap((nth) => {
        const id = `call_many_${String(nth).padStart(4, '0')}`;
        // Finer than a Date keeps it.
        const at = `${new Date(NOW - 3_600_000 - nth).toISOString().slice(0, -1)}${String(nth % 1000).padStart(3, '0')}Z`;
        const first = ledgerCall({ id, at, project_id: 'prj_many', outcome: bad.includes(nth) ? 'failed' : 'ok', cost_nano_usd: 1000 });
        return nth === 0 ? [first] : [first, { ...first, id: `${id}.2`, outcome: 'ok' as const, model: nth === AT_THE_EDGE ? 'rare' : first.model }];
      }),
    ),
  );
  afterAll(() => world.alter(`delete from ledger where project_id = 'prj_many'; delete from usage_quarters where project_id = 'prj_many'`));

  test('each is listed once, with all of its calls', async () => {
    const found = await all('');
    expect(found.map(({ id }) => id)).toEqual(many.map(idOf));
    expect(found.map(({ call_count: count }) => count)).toEqual(many.map((nth) => (nth === 0 ? 1 : 2)));
  });

  test('the rare ones are found however far back they are', async () => {
    expect((await all('outcome=failed')).map(({ id }) => id)).toEqual(bad.map(idOf));
    expect(await all('min_cost=0.000002')).toHaveLength(700);
    expect(await all('outcome=cut')).toEqual([]);
    expect((await all('model=rare')).map(({ id, call_count: count }) => [id, count])).toEqual([[idOf(AT_THE_EDGE), 2]]);
  });
});

async function show(id: string): Promise<RequestReply> {
  const { json, status, text } = await world.get<RequestReply>(`/api/v1/requests/${id}`);
  if (status !== 200) throw new Error(text);
  return json;
}

describe('one request', () => {
  test('of several calls is their sum, in the order in which they were made, as bad as the worst', async () => {
    const request = await show('req_of_call_long');
    expect(request).toMatchObject({
      outcome: 'cut',
      error_code: 'TIMEOUT',
      call_count: 3,
      cost_usd: 0.004,
      usage: { input_tokens: 300, output_tokens: 150, total_tokens: 450 },
      timing: { queue_ms: 0.8, first_piece_ms: 120, upstream_ms: 2700 },
      template_id: 'summarize_v1',
    });
    expect(request.calls.map(({ id }) => id)).toEqual(['call_long', 'call_long.2', 'call_long.10']);
  });

  test('shows the attempts that failed, and the one that counted', async () => {
    const counted = { provider: 'anthropic', model: 'claude-opus-4.5', fault: null, status: null, ms: 900 };
    expect((await show('req_of_call_fallback')).attempts).toEqual([FAILED, counted]);
    expect((await show('req_of_call_failed')).attempts).toEqual([FAILED, FAILED]);
    expect((await show('req_of_call_hit')).attempts).toEqual([]);
  });

  test('of an id that two have is the newest; the other has the id of its first call', async () => {
    expect(await show('mine-1')).toMatchObject({ id: 'mine-1', model: 'gpt-4o', key_id: 'key_gone', key_name: null });
    expect(await show('call_twice_1')).toMatchObject({ id: 'mine-1', model: 'gpt-4o-mini', user_id: 'usr_member', user_name: 'member' });
  });

  test('that there is not is 404', async () => {
    expect((await world.get('/api/v1/requests/req_nothing')).status).toBe(404);
    for (const id of ['x'.repeat(3000), 'a%00b', '%F0%9F%98%80', 'a%20b']) expect((await world.get(`/api/v1/requests/${id}`)).status).toBe(404);
  });
});

describe('of another project', () => {
  test('nothing is there for a member: not in the list, by no filter, not by its id', async () => {
    const { json } = await call<List>(`${world.sluice.url}/api/v1/requests?limit=100`, { headers: member });
    expect(json.data.map(({ project_id: project }) => project)).toEqual(Array(6).fill('default'));
    const foreign = await call<List>(`${world.sluice.url}/api/v1/requests?project_id=prj_other`, { headers: member });
    expect(foreign.json.data).toEqual([]);
    for (const id of ['req_of_call_other', 'call_other']) {
      expect((await call(`${world.sluice.url}/api/v1/requests/${id}`, { headers: member })).status).toBe(404);
    }
  });

  test('nothing is counted for a member', async () => {
    const usage = async (query: string) =>
      (await call<{ total: { calls: number } }>(`${world.sluice.url}/api/v1/usage?group_by=project&${query}`, { headers: member })).json.total.calls;
    expect([await usage(''), await usage('project_id=prj_other')]).toEqual([8, 0]);
    const table = await call(`${world.sluice.url}/api/v1/usage/export`, { headers: member });
    expect(table.text).toContain('call_hit');
    expect(table.text).not.toContain('prj_other');
  });
});

test('a call that was just made is found by the X-Request-Id of its answer, with what it cost and what was said', async () => {
  const prompt = 'My card is 4111 1111 1111 1111.';
  const answer = await call<{ response: string; usage: object }>(`${world.sluice.url}/generate`, { json: { prompt } });
  const id = answer.headers.get('x-request-id') ?? '';
  await until(async () => (await world.get<RequestReply>(`/api/v1/requests/${id}`)).text.includes('"response":{'));
  const request = await show(id);
  expect(request).toMatchObject({ id, route: '/generate', provider: 'demo', outcome: 'ok', cost_usd: 0, usage: answer.json.usage, call_count: 1 });
  expect(request.calls[0]?.body).toMatchObject({ request: { messages: [{ role: 'user', content: 'My card is [card].' }] } });
});

test('a key sees its own calls and no others, in sums, files, lists and by id', async () => {
  const made = await call<{ id: string; key: string }>(`${world.sluice.url}/api/v1/keys`, { headers: world.authorization, json: { name: 'mine' } });
  const headers = { authorization: `Bearer ${made.json.key}` };
  const answer = await call(`${world.sluice.url}/generate`, { headers, json: { prompt: 'mine alone' } });
  const mine = answer.headers.get('x-request-id') ?? '';
  const get = <Body>(path: string): Promise<Answered<Body>> => call<Body>(`${world.sluice.url}/api/v1/${path}`, { headers });
  await until(async () => (await get(`requests/${mine}`)).status === 200);
  expect((await get<List>('requests')).json.data.map(({ id, key_id: key, key_name: name }) => [id, key, name])).toEqual([[mine, made.json.id, 'mine']]);
  for (const query of ['', 'key_id=key_gone', 'project_id=prj_other', 'user_id=usr_member']) {
    const { json } = await get<{ total: { calls: number } }>(`usage?${query}`);
    expect([query, json.total.calls]).toEqual([query, query === '' ? 1 : 0]);
  }
  expect((await get('usage/export')).text.trimEnd().split('\r\n')).toHaveLength(2);
  expect((await get('requests/mine-1')).status).toBe(404);
  expect((await get<{ data: unknown[] }>('usage/suggestions')).json.data).toEqual([]);
});
