import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { type Caller, JWT_SECRET, makeCallers } from './authorization/callers.ts';
import { type Document, type Operation, type Policy, readOperations } from './authorization/document.ts';
import { collectionOf, isOnObject, makeObjects, type Objects, type Owner } from './authorization/objects.ts';
import { call, type Sluice, startSluice, until } from './harness.ts';
import { type Headers, openPeople, type People } from './people.ts';

/** Hashing passwords takes what it takes, on a busy machine too. */
setDefaultTimeout(30_000);

/** Who may call what: every operation of /openapi.json with everybody. A new route is tried without a line here. */
let people: People;
/** The same service, closed to the anonymous. */
let closed: Sluice;
let document: Document;
let operations: readonly Operation[];
let callers: readonly Caller[];

beforeAll(async () => {
  people = await openPeople({ JWT_SECRET });
  closed = await startSluice({ dataDir: people.sluice.dataDir, env: { ...people.database.env, JWT_SECRET, ALLOW_ANONYMOUS: 'false' } });
  document = (await people.ask<Document>('GET', '/openapi.json')).json;
  operations = readOperations(document);
  callers = await makeCallers(people);
  // Whoever was let in a moment ago may be so for a second; who is let in for longer is named below.
  const refused = async (headers: Headers): Promise<boolean> => (await people.ask('GET', '/api/v1/keys', undefined, headers)).status === 401;
  await Promise.all(callers.filter(({ is }) => is === 'bad').map(({ headers }) => until(() => refused(headers), 2000).catch(() => undefined)));
}, 120_000);
afterAll(async () => {
  await closed.end();
  await people.stop();
});

type Verdict = 'allowed' | 401 | 403;

function expected({ policy }: Operation, { is }: Caller, allowAnonymous: boolean): Verdict {
  if (policy.anonymous === 'always') return 'allowed';
  if (is === 'bad') return 401;
  if (is === 'nobody') return policy.anonymous === 'when-allowed' && allowAnonymous ? 'allowed' : 401;
  if (is === 'key') return policy.keys ? 'allowed' : 403;
  return policy.roles.includes(is) ? 'allowed' : 403;
}

/** With a query that no route takes: it is refused after the question who calls, so that nothing happens and the answer tells. */
async function verdict(url: string, { method, path }: Operation, headers: Headers): Promise<Verdict> {
  const { status } = await call(`${url}${path.replaceAll(/\{\w+\}/g, 'x')}?no_such_field=1`, { method, headers });
  if (status === 401 || status === 403) return status;
  return 'allowed';
}

describe('every operation answers everybody as the policy table says', () => {
  for (const allowAnonymous of [true, false]) {
    test(`with the anonymous ${allowAnonymous ? 'let in' : 'kept out'}`, async () => {
      const { url } = allowAnonymous ? people.sluice : closed;
      const wrong: string[] = [];
      for (const operation of operations) {
        const verdicts = await Promise.all(callers.map(async (caller) => [caller, await verdict(url, operation, caller.headers)] as const));
        for (const [caller, got] of verdicts) {
          const wanted = expected(operation, caller, allowAnonymous);
          if (got !== wanted) wrong.push(`${operation.name}: ${caller.name} is ${got} and should be ${wanted}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(operations.length * callers.length).toBeGreaterThan(1000);
    }, 120_000);
  }
});

function schemesOf({ anonymous, keys }: Policy): string[] {
  if (anonymous === 'always') return [];
  return [...(anonymous === 'when-allowed' ? [''] : []), ...(keys ? ['apiKey'] : []), 'bearer', 'password'].toSorted();
}

test('the document asks for what the policy table asks for', () => {
  expect(operations.map(({ name, schemes }) => [name, [...schemes].toSorted()])).toEqual(operations.map(({ name, policy }) => [name, schemesOf(policy)]));
  expect(document.components.securitySchemes['apiKey']).toMatchObject({ type: 'apiKey', in: 'header', name: 'x-api-key' });
});

test('what manages keys, users, projects and settings is closed to keys', () => {
  const open = operations.filter(({ scope, policy }) => policy.keys && /^(keys|projects|administer|self)/.test(scope));
  expect(open).toEqual([]);
});

describe('what belongs to another project', () => {
  let owner: Owner;
  let strangers: readonly [string, Headers][];
  let objects: Objects;

  beforeAll(async () => {
    const [own, other] = [await people.newProject({ name: 'Own' }), await people.newProject({ name: 'Other' })];
    owner = { projectId: own.id, headers: await people.asUser(await people.newUser({ project_id: own.id })) };
    const stranger = await people.asUser(await people.newUser({ project_id: other.id }));
    const { key } = (await people.ask<{ key: string }>('POST', '/api/v1/keys', { name: 'theirs' }, stranger)).json;
    strangers = [
      ['a member', stranger],
      ['a viewer', await people.asUser(await people.newUser({ project_id: other.id, role: 'viewer' }))],
      ['a key', { 'x-api-key': key }],
      ['nobody', {}],
    ];
    objects = await makeObjects(people, operations, owner);
    const at = [...objects].map(([collection, id]) => `${collection}/${id}`).filter((path) => !path.endsWith('/none'));
    await until(async () => (await Promise.all(at.map((path) => people.ask('GET', path, undefined, owner.headers)))).every(({ status }) => status === 200));
  }, 60_000);

  const of = (path: string): string => path.replace(/\{\w+\}/, objects.get(collectionOf(path)) ?? 'none');

  test('does not exist: 404 for every operation on it, whoever asks, and it stays as it is', async () => {
    const wrong: string[] = [];
    for (const operation of operations.filter(isOnObject)) {
      for (const [name, headers] of strangers) {
        const { status, text } = await people.ask(operation.method, of(operation.path), operation.example, headers);
        const keptOut = status === 401 || status === 403;
        if (status !== 404 && !keptOut) wrong.push(`${operation.name}: ${name} of another project is answered ${status} ${text.slice(0, 200)}`);
      }
    }
    expect(wrong).toEqual([]);
    for (const [collection, id] of objects) {
      if (id === 'none') continue;
      expect([collection, (await people.ask('GET', `${collection}/${id}`, undefined, owner.headers)).status]).toEqual([collection, 200]);
    }
    expect([...objects.values()].filter((id) => id !== 'none').length).toBeGreaterThan(3);
  }, 60_000);

  test('is in no list', async () => {
    const ids = [...objects.values()].filter((id) => id !== 'none');
    const leaks: string[] = [];
    for (const { path, name } of operations.filter(({ method, path: its }) => method === 'GET' && !its.includes('{'))) {
      for (const [who, headers] of strangers) {
        const { text } = await people.ask('GET', path, undefined, headers);
        leaks.push(...ids.filter((id) => text.includes(id)).map((id) => `${name} shows ${id} to ${who} of another project`));
      }
    }
    expect(leaks).toEqual([]);
  }, 60_000);

  test('is seen and changed by its own', async () => {
    const wrong: string[] = [];
    const order = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
    const own = operations.filter((operation) => isOnObject(operation) && operation.policy.roles.includes('member'));
    for (const operation of own.toSorted((a, b) => order.indexOf(a.method) - order.indexOf(b.method))) {
      const { status, text } = await people.ask(operation.method, of(operation.path), operation.example, owner.headers);
      // Something else may stand in the way: a body that is for another one, or a state.
      if (status >= 400 && status !== 422 && status !== 409) wrong.push(`${operation.name}: its own are answered ${status} ${text.slice(0, 200)}`);
    }
    expect(wrong).toEqual([]);
  }, 60_000);
});
