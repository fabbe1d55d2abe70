import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { FakeUpstream } from './fake-upstream/server.ts';
import { ADMIN, type Sluice } from './harness.ts';
import type { Ask, Case, Slice } from './promises/ask.ts';
import { auth } from './promises/auth.ts';
import { batches } from './promises/batches.ts';
import { chat } from './promises/chat.ts';
import { type Answer, type Operation, outcomeOf } from './promises/document.ts';
import { compatible } from './promises/compatible.ts';
import { files } from './promises/files.ts';
import { generate } from './promises/generate.ts';
import { health } from './promises/health.ts';
import { jobs } from './promises/jobs.ts';
import { keys } from './promises/keys.ts';
import { messageBatches } from './promises/message-batches.ts';
import { messages } from './promises/messages.ts';
import { people } from './promises/people.ts';
import { providers } from './promises/providers.ts';
import { responses } from './promises/responses.ts';
import { givenBy, RULES } from './promises/rules.ts';
import { openStage, pathOf, type Stage } from './promises/stage.ts';
import { schedules } from './promises/schedules.ts';
import { streams } from './promises/streams.ts';
import { tasks } from './promises/tasks.ts';
import { templates } from './promises/templates.ts';
import { usage } from './promises/usage.ts';
import { webhooks } from './promises/webhooks.ts';

/**
 * What /openapi.json promises is so: each status, error code and type that it declares for a route is brought about by a request, and nothing
 * is answered that it does not declare. Every answer here is held against its schema.
 */
const SLICES: Readonly<Record<string, Slice>> = {
  auth,
  keys,
  people,
  generate,
  chat,
  compatible,
  responses,
  messages,
  files,
  batches,
  messageBatches,
  jobs,
  schedules,
  webhooks,
  providers,
  tasks,
  templates,
  usage,
  health,
  streams,
};
const suited: Readonly<Record<string, Ask>> = Object.assign({}, ...Object.values(SLICES).map((slice) => slice.suited));
const START_LIMIT_MS = 60_000;
const SWEEP_LIMIT_MS = 15_000;

let stage: Stage;
const seen = new Set<string>();

beforeAll(async () => {
  stage = await openStage();
}, START_LIMIT_MS);
afterAll(() => stage.stop());

type Heard = { readonly outcome: string; readonly faults: readonly string[] };

/** Asks, notes that it was seen, and says what is wrong with the answer. */
async function hear(sluice: Sluice, operation: Operation, ask: Ask, address?: string): Promise<Heard> {
  const answer: Answer = await stage.send(sluice, operation, { ...suited[operation.route], ...ask }, address);
  const outcome = outcomeOf(answer);
  seen.add(`${operation.route} ${outcome}`);
  return { outcome, faults: stage.promises.faults(operation.route, answer) };
}

function operationOf(route: string): Operation {
  const found = stage.promises.operations.find((one) => one.route === route);
  if (!found) throw new Error(`/openapi.json has no ${route}`);
  return found;
}

async function repeat(times: number, address: string, ask: (address: string) => Promise<Heard>): Promise<Heard> {
  let heard = await ask(address);
  for (let nth = 1; nth < times; nth++) heard = await ask(address);
  return heard;
}

describe.each(Object.entries(SLICES).filter(([, { cases }]) => cases.length > 0))('of its own, %s answers', (_name, { cases }) => {
  test.each(cases.map((one) => [`${one.route} ${one.gives}`, one] as const))('%s', async (_title, one) => {
    const sluice = one.bare ? stage.bare : stage.usual;
    const given = one.given ? await saidBy(sluice, one.given) : {};
    const asked = { ...one, ...one.using?.(given) };
    const address = stage.newAddress();
    const ask = (): Promise<Heard> => repeat(one.times ?? 1, address, (from) => hear(sluice, operationOf(one.route), asked, from));
    const heard = await Promise.all(Array.from({ length: one.atOnce ?? 1 }, ask));
    expect(heard.map(({ outcome }) => outcome)).toContain(one.gives);
    expect(heard.flatMap(({ faults }) => faults)).toEqual([]);
  });
});

/** What the answer says; of a stream, its headers. */
async function saidBy(sluice: Sluice, given: NonNullable<Case['given']>): Promise<Readonly<Record<string, unknown>>> {
  const { headers, text } = await stage.send(sluice, operationOf(given.route), given);
  return headers.get('content-type')?.startsWith('text/event-stream') ? Object.fromEntries(headers) : (JSON.parse(text) as Readonly<Record<string, unknown>>);
}

describe('every route that it concerns answers', () => {
  test.each(RULES.map((rule) => [rule.name, rule.gives, rule] as const))(
    '%s with %s',
    async (_name, gives, rule) => {
      const concerned = stage.promises.operations.filter(rule.to);
      const answers = await Promise.all(
        concerned.map(async (operation) => {
          const ask = rule.ask(operation, suited[operation.route] ?? {});
          return { operation, ...(await repeat(rule.times ?? 1, stage.newAddress(), (address) => hear(stage.usual, operation, ask, address))) };
        }),
      );
      expect(
        answers.filter(({ operation, outcome }) => outcome !== givenBy(operation, gives)).map(({ operation, outcome }) => `${operation.route} ${outcome}`),
      ).toEqual([]);
      expect(answers.flatMap(({ faults }) => faults)).toEqual([]);
      expect(concerned).not.toEqual([]);
    },
    SWEEP_LIMIT_MS,
  );
});

test(
  'an Idempotency-Key whose first request still runs is 409 CONFLICT on every route that heeds one',
  async () => {
    stage.upstream.script({ delayMs: 100 });
    const concerned = stage.promises.operations.filter(({ takesKeys }) => takesKeys);
    // One route after the other: many at once come too far apart.
    for (const operation of concerned) {
      const heard = await Promise.all(Array.from({ length: 5 }, () => hear(stage.usual, operation, { headers: { 'idempotency-key': 'at once' } })));
      expect(heard.map(({ outcome }) => outcome)).toContain('409 CONFLICT');
      expect(heard.flatMap(({ faults }) => faults)).toEqual([]);
    }
    stage.upstream.script([]);
    expect(concerned).not.toEqual([]);
  },
  SWEEP_LIMIT_MS,
);

test('an Idempotency-Key that was used with another body is 422 IDEMPOTENCY_KEY_REUSED on every route that heeds one', async () => {
  const concerned = stage.promises.operations.filter(({ takesKeys }) => takesKeys);
  const places = concerned.map((operation) => `('${pathOf(operation, suited[operation.route] ?? {})}')`);
  await stage.alter(`
    insert into idempotency_keys (project_id, caller, method, path, key, fingerprint, root_id, status, created_at, expires_at)
    select project_id, 'user:' || id, 'POST', place, 'used', 'of another body', 'call_1', 200, now(), now() + interval '1 hour'
    from users, (values ${places.join(', ')}) as given (place) where username = '${ADMIN.username}'`);
  const answers = await Promise.all(concerned.map((operation) => hear(stage.usual, operation, { headers: { 'idempotency-key': 'used' } })));
  expect(answers).toEqual(concerned.map((operation) => ({ outcome: givenBy(operation, '422 IDEMPOTENCY_KEY_REUSED'), faults: [] })));
  expect(concerned).not.toEqual([]);
});

/** Every route once, with a request that suits it. */
async function sweep(sluice: Sluice, ask: Ask = {}): Promise<readonly string[]> {
  const heard = await Promise.all(stage.promises.operations.map((operation) => hear(sluice, operation, ask)));
  return heard.flatMap(({ faults }) => faults);
}

describe('every route answers as declared', () => {
  test('an administrator', async () => expect(await sweep(stage.usual)).toEqual([]), SWEEP_LIMIT_MS);
  test('nobody', async () => expect(await sweep(stage.usual, { as: 'nobody' })).toEqual([]), SWEEP_LIMIT_MS);
  test('a viewer', async () => expect(await sweep(stage.usual, { as: 'viewer' })).toEqual([]), SWEEP_LIMIT_MS);

  const troubles: [string, Parameters<FakeUpstream['script']>[0]][] = [
    ['refuses the request', { status: 400 }],
    ['limits us', { status: 429 }],
    // Late enough for all to be under way when the first has failed: whoever comes after the fifth is sent away.
    ['fails', { status: 500, delayMs: 500 }],
    ['says nothing', { match: { method: 'POST' }, stall: true }],
    ['answers nonsense', { garble: { kind: 'html' } }],
  ];
  test.each(troubles)(
    'while the provider %s',
    async (_trouble, rule) => {
      stage.upstream.script(rule);
      const faults = await sweep(stage.usual);
      stage.upstream.script([]);
      expect(faults).toEqual([]);
      // It is known to be well again when one call was answered.
      await until(async () => (await stage.send(stage.usual, operationOf('POST /generate'), { headers: { 'cache-control': 'no-store' } })).status === 200);
    },
    SWEEP_LIMIT_MS,
  );

  test(
    'while the tables of the database are not there',
    async () => {
      await rename(`name || '_gone'`);
      const faults = await sweep(stage.usual);
      await rename(`left(name, -length('_gone'))`);
      expect(faults).toEqual([]);
    },
    SWEEP_LIMIT_MS,
  );

  test(
    'while the database is away',
    async () => {
      // The administrator has been here and is known for a while; of the viewer nobody can say anything.
      await stage.send(stage.bare, operationOf('GET /auth/me'), {});
      stage.loseDatabase();
      expect(await sweep(stage.bare)).toEqual([]);
      expect(await sweep(stage.bare, { as: 'viewer' })).toEqual([]);
    },
    SWEEP_LIMIT_MS,
  );

  test(
    'while the service drains',
    async () => {
      stage.upstream.script({ chunks: 1000, chunkDelayMs: 100 });
      const leaving = new AbortController();
      const streaming = fetch(`${stage.usual.url}/generate?stream=true`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': stage.newAddress() },
        body: JSON.stringify({ prompt: 'slowly' }),
        signal: leaving.signal,
      });
      await streaming;
      const ended = stage.usual.end();
      await until(async () => (await fetch(`${stage.usual.url}/readyz`)).status === 503);
      const faults = await sweep(stage.usual);
      leaving.abort();
      expect([await ended, faults]).toEqual([0, []]);
    },
    SWEEP_LIMIT_MS,
  );
});

test('all that is declared was answered, and all that was answered is declared', () => {
  const { declared } = stage.promises;
  expect({ declaredOnly: [...declared].filter((pair) => !seen.has(pair)), answeredOnly: [...seen].filter((pair) => !declared.has(pair)) }).toEqual({
    declaredOnly: [],
    answeredOnly: [],
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it did not come about in time');
    await Bun.sleep(5);
  }
}

/** Processors of jobs look into the tables by themselves: where one of them and this stand in each other's way, it is done again. */
async function rename(newName: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await stage.alter(renameTables(newName));
      return;
    } catch (cause) {
      if (tries === 10 || !String(cause).includes('deadlock')) throw cause;
    }
  }
}

/** Gives every table another name, made of its own. */
function renameTables(newName: string): string {
  return `do $$ declare name text; begin
    for name in select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
    loop execute format('alter table %I rename to %I', name, ${newName}); end loop;
  end $$`;
}
