import { type Answered, call } from '../harness.ts';
import type { Headers, Method, People } from '../people.ts';
import type { Operation } from './document.ts';

/** Things that belong to one project, by the path that they are below: `/api/v1/templates` → `product_text_v1`. */
export type Objects = ReadonlyMap<string, string>;

export type Owner = { readonly projectId: string; readonly headers: Headers };
type Ask = <Body>(method: Method, path: string, json?: unknown, more?: Headers) => Promise<Answered<Body>>;

/** How a thing is made that no POST to its collection makes. Everything else is made of the document's own example. */
const MAKERS: Readonly<Record<string, (owner: Owner, ask: Ask, people: People) => Promise<string>>> = {
  '/api/v1/projects': ({ projectId }) => Promise.resolve(projectId),
  // One in the background, which can be cancelled.
  '/v1/responses': async (_owner, ask) => (await ask<{ id: string }>('POST', '/v1/responses', { model: 'demo', input: 'mine', background: true })).json.id,
  '/v1/files': async ({ headers }, _ask, { sluice }) => {
    const body = new FormData();
    body.append('purpose', 'user_data');
    body.append('file', new File(['mine'], 'mine.txt'));
    return (await call<{ id: string }>(`${sluice.url}/v1/files`, { method: 'POST', headers, body })).json.id;
  },
  '/v1/batches': (owner, _ask, people) => waitingBatch(people, owner, 'openai'),
  '/v1/messages/batches': (owner, _ask, people) => waitingBatch(people, owner, 'anthropic'),
  // One that is over: whoever watches another one waits for its end.
  '/api/v1/jobs': async (_owner, ask, { rows }) => {
    const { json } = await ask<{ id: string }>('POST', '/api/v1/jobs/', { name: 'mine', hold: true });
    await rows(`update batch_jobs set status = 'completed', completed_at = now() where id = $1`, [json.id]);
    return json.id;
  },
  '/api/v1/schedules': async (_owner, ask) => {
    const job = await ask<{ id: string }>('POST', '/api/v1/jobs/', { name: 'mine', hold: true });
    return (await ask<{ id: string }>('POST', '/api/v1/schedules', { job_id: job.json.id, cron: '@yearly' })).json.id;
  },
  '/api/v1/webhooks/deliveries': (owner, _ask, people) => delivered(people, owner),
  '/api/v1/streams': async (_owner, ask) =>
    (await ask('POST', '/generate?stream=true', { prompt: 'mine' }, { 'x-stream-resume': 'true' })).headers.get('x-stream-id') ?? '',
  '/api/v1/requests': async (_owner, ask) => (await ask('POST', '/generate', { prompt: 'mine' })).headers.get('x-request-id') ?? '',
};

/** One that waits, so that it can be cancelled. */
async function waitingBatch({ rows }: People, { projectId }: Owner, surface: 'openai' | 'anthropic'): Promise<string> {
  const id = `batch_of_${projectId}_${surface}`;
  await rows(
    `insert into batch_jobs (id, project_id, creator, surface, name, endpoint, hold)
     values ($1, $2, '{"kind": "anonymous", "id": null}', $3, 'mine', '/v1/messages', true)`,
    [id, projectId, surface],
  );
  return id;
}

/** Something that was told, and can be told again. */
async function delivered({ rows }: People, { projectId }: Owner): Promise<string> {
  const id = `whd_of_${projectId}`;
  await rows(
    `with told as (insert into webhook_events (id, project_id, type, subject_id, spread_at) values ($1, $2, 'batch.completed', 'job_mine', now()) returning id)
     insert into webhook_deliveries (id, project_id, event_id, url, state, next_try_at, ended_at)
     select id, $2, id, 'https://example.com/hook', 'delivered', now(), now() from told`,
    [id, projectId],
  );
  return id;
}

/** What is below these belongs to no project, and is there for everybody. */
const EVERYBODYS: ReadonlySet<string> = new Set(['/v1/models']);

/** Whether it is about one thing that belongs to a project. */
export function isOnObject({ path }: Operation): boolean {
  return path.includes('{') && !EVERYBODYS.has(collectionOf(path));
}

/** One thing of each kind that has an id in a path. */
export async function makeObjects(people: People, operations: readonly Operation[], owner: Owner): Promise<Objects> {
  const ask: Ask = (method, path, json, more) => people.ask(method, path, json, { ...owner.headers, ...more });
  const objects = new Map<string, string>();
  for (const collection of new Set(operations.filter(isOnObject).map(({ path }) => collectionOf(path)))) {
    objects.set(collection, await (MAKERS[collection] ?? byExample(operations, collection))(owner, ask, people));
  }
  return objects;
}

function byExample(operations: readonly Operation[], collection: string): (owner: Owner, ask: Ask) => Promise<string> {
  return async (_owner, ask) => {
    const create = operations.find(({ method, path }) => method === 'POST' && path.replace(/\/$/, '') === collection);
    if (!create) throw new Error(`Nothing is known that makes what is below ${collection}: say how in test/authorization/objects.ts`);
    // Whom the policy keeps from making one cannot have one.
    if (!create.policy.roles.includes('member')) return 'none';
    const { status, json, text } = await ask<{ id: string }>('POST', create.path, create.example);
    if (status !== 201) throw new Error(`POST ${create.path} made nothing of its own example: ${status} ${text}`);
    return json.id;
  };
}

/** `/api/v1/keys/{id}/rotate` is below `/api/v1/keys`. */
export function collectionOf(path: string): string {
  return path.slice(0, path.indexOf('/{'));
}
