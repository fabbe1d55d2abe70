import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type Answered, call } from './harness.ts';
import { chat, type Failure, type Job, type JobsWorld, openJobsWorld, type Page } from './jobs/world.ts';

/** Jobs and who may do what with them, from outside. What each status promises is held in promises/jobs.ts. */
let world: JobsWorld;
beforeAll(async () => {
  world = await openJobsWorld();
});
afterAll(() => world.stop());

describe('a job', () => {
  test('is made with what it is told, and with nothing else', async () => {
    const settings = {
      name: 'Tickets',
      description: 'of March',
      max_tokens: 50,
      temperature: 0.5,
      engine: 'direct',
      webhook_url: 'https://example.com/hook',
      schedule: { cron: '30 6 * * mon-fri', time_zone: 'Europe/Berlin' },
      budget_usd: 2.5,
      metadata: { team: 'support', nth: 3 },
      expires_at: '2100-01-01T00:00:00Z',
    };
    const job = await world.make(settings);
    expect(job).toMatchObject({
      ...settings,
      expires_at: '2100-01-01T00:00:00.000Z',
      status: 'pending',
      endpoint: '/v1/chat/completions',
      hold: true,
      total_requests: 0,
    });
    expect((await world.ask<Job>(`/${job.id}`)).json).toEqual(job);
    expect(job.id).toStartWith('job_');
  });

  test('is found with and without the slash', async () => {
    const { id } = await world.make({ name: 'needle in the hay' });
    for (const path of ['/?q=NEEDLE', '?q=needle', `/?q=${id}`]) expect((await world.ask<Page<Job>>(path)).json.data.map((job) => job.id)).toEqual([id]);
    const { status, json } = await world.ask<Job>('', { json: { name: 'without' } });
    expect([status, json.status]).toEqual([201, 'pending']);
    expect((await world.ask<Page<Job>>('/?q=100%25')).json.data).toEqual([]);
  });

  test('has a template or an endpoint, and not both', async () => {
    expect(await world.make({ template_id: 'summarize_v1' })).toMatchObject({ template_id: 'summarize_v1', endpoint: '/api/v1/generate' });
    expect(await world.make({ endpoint: '/v1/embeddings' })).toMatchObject({ endpoint: '/v1/embeddings' });
    for (const [field, settings] of [
      ['endpoint', { template_id: 'summarize_v1', endpoint: '/v1/embeddings' }],
      ['template_id', { endpoint: '/api/v1/generate' }],
    ] as const) {
      const { status, json } = await world.ask<Failure>('/', { json: { name: 'a', ...settings } });
      expect([status, json.error.field]).toEqual([422, field]);
    }
  });

  test.each([
    [{ name: '' }, 'name'],
    [{ name: 'a', webhook_url: 'file:///etc/passwd' }, 'webhook_url'],
    [{ name: 'a', webhook_url: 'https://user:secret@example.com/' }, 'webhook_url'],
    [{ name: 'a', schedule: { cron: 'often' } }, 'schedule.cron'],
    [{ name: 'a', schedule: { cron: '* * * * *', time_zone: 'Nowhere' } }, 'schedule.time_zone'],
    [{ name: 'a', budget_usd: -1 }, 'budget_usd'],
    [{ name: 'a', expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ name: 'a', engine: 'fast' }, 'engine'],
    [{ name: 'a', endpoint: '/auth/login' }, 'endpoint'],
    [{ name: 'a', metadata: { a: {} } }, 'metadata.a'],
    [{ name: 'a', description: 'a\0b' }, 'description'],
    [{ name: 'a', status: 'completed' }, 'status'],
  ])('that is %j is none', async (settings, field) => {
    const { status, json } = await world.ask<Failure>('/', { json: settings });
    expect([status, json.error.field]).toEqual([422, field]);
  });

  test('is changed as its state allows', async () => {
    const job = await world.makeWith([chat('a')]);
    expect((await world.ask<Job>(`/${job.id}`, { method: 'PUT', json: { temperature: 0.1, description: null, hold: true } })).json).toMatchObject({
      temperature: 0.1,
      name: 'a job',
    });
    const template = await world.ask<Failure>(`/${job.id}`, { method: 'PUT', json: { template_id: 'summarize_v1' } });
    expect([template.status, template.json.error.code]).toEqual([409, 'CONFLICT']);
    await world.run(job);
    const late = await world.ask<Failure>(`/${job.id}`, { method: 'PUT', json: { name: 'b', temperature: 1 } });
    expect([late.status, late.json.error.details]).toEqual([409, { status: 'completed' }]);
    expect((await world.ask<Job>(`/${job.id}`, { method: 'PUT', json: { name: 'b', metadata: { done: true } } })).json).toMatchObject({
      name: 'b',
      metadata: { done: true },
    });
  });

  test('is listed in pages, newest first, and stays in its place while others are made', async () => {
    const own = await Promise.all([1, 2, 3].map((nth) => world.make({ name: `paged ${nth}` })));
    const ids = own
      .map(({ id }) => id)
      .toSorted()
      .toReversed();
    const first = (await world.ask<Page<Job>>('/?q=paged&page_size=2')).json;
    expect([first.data.map(({ id }) => id), first.has_more, first.total, first.page]).toEqual([ids.slice(0, 2), true, 3, 1]);
    await world.make({ name: 'paged 4' });
    const next = (await world.ask<Page<Job>>(`/?q=paged&page_size=2&cursor=${first.next_cursor}`)).json;
    expect([next.data.map(({ id }) => id), next.has_more, next.next_cursor, next.page]).toEqual([ids.slice(2), false, null, null]);
    expect((await world.ask<Page<Job>>('/?q=paged&page_size=2&page=2&status=pending')).json.data).toHaveLength(2);
    for (const query of ['?page=1&cursor=job_1', '?limit=5&page_size=5', '?page=0', '?page_size=101', '?status=done'])
      expect((await world.ask(`/${query}`)).status).toBe(422);
  });

  test('that is deleted is gone at once, and the audit log knows of it', async () => {
    const job = await world.makeWith([chat('a')]);
    expect((await world.ask(`/${job.id}`, { method: 'DELETE' })).status).toBe(204);
    for (const path of ['', '/requests', '/responses', '/events', '/estimate']) expect((await world.ask(`/${job.id}${path}`)).status).toBe(404);
    expect((await world.ask(`/${job.id}`, { method: 'DELETE' })).status).toBe(404);
    const { json } = await call<{ data: readonly { action: string; target_id: string }[] }>(`${world.sluice.url}/api/v1/audit`, {
      headers: world.authorization,
    });
    expect(json.data.filter(({ target_id: id }) => id === job.id).map(({ action }) => action)).toEqual(['job.delete', 'job.create']);
  });
});

function without<Body>(path: string, json?: unknown): Promise<Answered<Body>> {
  return call<Body>(`${world.sluice.url}/api/v1/jobs${path}`, json === undefined ? {} : { json });
}

describe('who is not signed in', () => {
  test('makes, fills and runs jobs, which everybody of the project sees', async () => {
    const { status, json } = await without<Job>('/', { name: 'of nobody', model: 'demo' });
    expect([status, json['created_by']]).toEqual([201, { kind: 'anonymous', id: null }]);
    expect((await without(`/${json.id}/requests`, [chat('a')])).status).toBe(201);
    expect(await world.over(json)).toMatchObject({ status: 'completed', completed_requests: 1 });
  });

  test('sees nothing of what others made', async () => {
    const job = await world.makeWith([chat('a')]);
    for (const path of ['', '/requests', '/responses', '/events', '/estimate']) expect((await without(`/${job.id}${path}`)).status).toBe(404);
    expect((await without(`/${job.id}/requests`, [chat('b')])).status).toBe(404);
    expect((await without<Page<Job>>(`/?q=${job.id}`)).json.data).toEqual([]);
  });
});

test('a key adds nothing to the job of somebody else, whose calls it would be', async () => {
  const job = await world.makeWith([chat('a')]);
  const { json: other } = await call<{ key: string }>(`${world.sluice.url}/api/v1/keys`, { json: { name: 'other' }, headers: world.authorization });
  const key = { 'x-api-key': other.key };
  const asKey = (path: string, init: object): Promise<Answered<Failure>> =>
    call<Failure>(`${world.sluice.url}/api/v1/jobs/${job.id}${path}`, { headers: key, ...init });
  expect((await asKey('', {})).status).toBe(200);
  for (const answer of [await asKey('/requests', { json: [chat('b')] }), await asKey('', { method: 'PUT', json: { budget_usd: 100 } })]) {
    expect([answer.status, answer.json.error.code]).toEqual([403, 'FORBIDDEN']);
  }
});

test("a batch of OpenAI's words is a job too, which is looked at and cancelled, and keeps to what its file says", async () => {
  const form = new FormData();
  form.append('purpose', 'batch');
  const row = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body: { model: 'demo', messages: [{ role: 'user', content: 'hi' }] } };
  form.append('file', new File([JSON.stringify(row)], 'rows.jsonl'));
  const headers = world.authorization;
  const file = await call<{ id: string }>(`${world.sluice.url}/v1/files`, { method: 'POST', body: form, headers });
  const made = { input_file_id: file.json.id, endpoint: '/v1/chat/completions', completion_window: '24h' };
  const { json: batch } = await call<{ id: string }>(`${world.sluice.url}/v1/batches`, { json: made, headers });
  expect(await world.over({ ...(await world.ask<Job>(`/${batch.id}`)).json })).toMatchObject({
    id: batch.id,
    status: 'completed',
    input_file_id: file.json.id,
  });
  for (const [path, init] of [
    ['/requests', { json: [chat('b')] }],
    ['/retry', { method: 'POST' }],
    ['', { method: 'PUT', json: { model: 'demo' } }],
  ] as const) {
    expect((await world.ask<Failure>(`/${batch.id}${path}`, init)).json.error.code).toBe('CONFLICT');
  }
  expect((await world.ask<Job>(`/${batch.id}`, { method: 'PUT', json: { name: 'of March' } })).json).toMatchObject({ name: 'of March' });
});
