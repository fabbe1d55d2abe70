import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { until } from './harness.ts';
import { type Listed, openPeople, type People } from './people.ts';

setDefaultTimeout(30_000);

type Webhook = {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly enabled: boolean;
  readonly disabled_reason: string | null;
  readonly events: readonly string[] | null;
};
type Delivery = {
  readonly id: string;
  readonly webhook_id: string | null;
  readonly event: { readonly id: string; readonly type: string; readonly subject_id: string };
  readonly status: string;
  readonly tries: number;
  readonly next_try_at: string | null;
  readonly attempts: readonly { readonly status: number | null; readonly error: string | null; readonly answer: string | null }[];
};
type Post = { readonly path: string; readonly headers: Headers; readonly body: string };

const client = new OpenAI({ apiKey: 'none' });
const posts: Post[] = [];
/** What a path answers; 200 where it is not here. */
const answers = new Map<string, () => Response | Promise<Response>>();
const folder = mkdtempSync(join(tmpdir(), 'sluice-webhooks-'));
let people: People;
let receiver: Bun.Server<undefined>;

beforeAll(async () => {
  receiver = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      posts.push({ path: pathname, headers: request.headers, body: await request.text() });
      return (await answers.get(pathname)?.()) ?? new Response('heard');
    },
  });
  const config = join(folder, 'sluice.config.yaml');
  writeFileSync(config, 'webhooks: { allow_networks: ["127.0.0.1"] }\n');
  people = await openPeople({ SLUICE_CONFIG: config });
}, 60_000);
afterAll(async () => {
  await people.stop();
  await receiver.stop(true);
  rmSync(folder, { recursive: true, force: true });
});

const at = (path: string): string => `http://127.0.0.1:${receiver.port}${path}`;
const heardAt = (path: string): readonly Post[] => posts.filter((post) => post.path === path);

async function newWebhook(path: string, parts: object = {}): Promise<Webhook> {
  const { status, json } = await people.ask<Webhook>('POST', '/api/v1/webhooks', { url: at(path), ...parts });
  expect(status).toBe(201);
  return json;
}

/** As the end of a job does, in its transaction. */
async function happen(type: string, { project = 'default', url = null as string | null, subject = 'job_1' } = {}): Promise<string> {
  const id = `evt_${crypto.randomUUID().replaceAll('-', '')}`;
  await people.rows('insert into webhook_events (id, project_id, type, subject_id, url) values ($1, $2, $3, $4, $5)', [id, project, type, subject, url]);
  return id;
}

async function deliveryOf(webhook: Pick<Webhook, 'id'>): Promise<Delivery> {
  const { json } = await people.ask<Listed<Delivery>>('GET', `/api/v1/webhooks/deliveries?webhook_id=${webhook.id}`);
  const [delivery] = json.data;
  if (!delivery) throw new Error('nothing is delivered');
  return delivery;
}

const isOver = async (webhook: Webhook, status: string): Promise<boolean> => {
  const { json } = await people.ask<Listed<Delivery>>('GET', `/api/v1/webhooks/deliveries?webhook_id=${webhook.id}`);
  return json.data[0]?.status === status;
};

describe('an event', () => {
  test('comes in the form of Standard Webhooks, and the official SDK believes it, and no other secret', async () => {
    const webhook = await newWebhook('/signed');
    const id = await happen('batch.completed', { subject: 'batch_7' });
    await until(() => heardAt('/signed').length === 1);
    const [{ headers, body } = { headers: new Headers(), body: '' }] = heardAt('/signed');
    expect(headers.get('webhook-id')).toBe(id);
    const believed: unknown = await client.webhooks.unwrap(body, headers, webhook.secret);
    expect(believed).toEqual({
      id,
      object: 'event',
      created_at: expect.any(Number),
      type: 'batch.completed',
      data: { id: 'batch_7' },
    });
    const other = await newWebhook('/other');
    expect(
      await client.webhooks.verifySignature(body, headers, other.secret).then(
        () => 'believed',
        () => 'refused',
      ),
    ).toBe('refused');
    await until(() => isOver(webhook, 'delivered'));
    expect(await deliveryOf(webhook)).toMatchObject({ tries: 1, next_try_at: null, attempts: [{ status: 200, error: null, answer: 'heard' }], event: { id } });
  });

  test('goes to those alone who want it, are enabled, and are of its project', async () => {
    const wanting = await newWebhook('/wanting', { events: ['batch.failed'] });
    await newWebhook('/unwilling', { events: ['batch.expired'] });
    const asleep = await newWebhook('/asleep');
    await people.ask('PATCH', `/api/v1/webhooks/${asleep.id}`, { enabled: false });
    const project = await people.newProject();
    await happen('batch.failed', { project: project.id });
    const id = await happen('batch.failed');
    await until(() => isOver(wanting, 'delivered'));
    expect(heardAt('/wanting').map(({ headers }) => headers.get('webhook-id'))).toEqual([id]);
    expect([...heardAt('/unwilling'), ...heardAt('/asleep')]).toEqual([]);
  });

  test('goes to the address that a job names too, signed with the secret of its project', async () => {
    const id = await happen('batch.cancelled', { url: at('/of-the-job') });
    await until(() => heardAt('/of-the-job').length === 1);
    const [post] = heardAt('/of-the-job');
    const { json } = await people.ask<{ secret: string }>('GET', '/api/v1/webhooks/secret');
    expect(await client.webhooks.unwrap(post?.body ?? '', post?.headers ?? {}, json.secret)).toMatchObject({ id });
  });

  test('is signed with both secrets while one is changed for the other, and with one after', async () => {
    const webhook = await newWebhook('/rotating');
    const rotate = async (overlap_s: number): Promise<string> =>
      (await people.ask<{ secret: string }>('POST', `/api/v1/webhooks/${webhook.id}/rotate`, { overlap_s })).json.secret;
    const second = await rotate(3600);
    await people.ask('POST', `/api/v1/webhooks/${webhook.id}/test`);
    await until(() => heardAt('/rotating').length === 1);
    const [first] = heardAt('/rotating');
    for (const secret of [webhook.secret, second]) await client.webhooks.verifySignature(first?.body ?? '', first?.headers ?? {}, secret);
    const third = await rotate(0);
    await people.ask('POST', `/api/v1/webhooks/${webhook.id}/test`);
    await until(() => heardAt('/rotating').length === 2);
    const [, last] = heardAt('/rotating');
    await client.webhooks.verifySignature(last?.body ?? '', last?.headers ?? {}, third);
    expect(last?.headers.get('webhook-signature')?.split(' ')).toHaveLength(1);
  });
});

describe('a receiver', () => {
  test('that fails hears of it again under the same id, after a wait', async () => {
    answers.set('/failing', () => new Response('not now', { status: 503 }));
    const webhook = await newWebhook('/failing');
    const before = Date.now();
    await people.ask('POST', `/api/v1/webhooks/${webhook.id}/test`);
    await until(async () => (await deliveryOf(webhook)).attempts.length === 1);
    const delivery = await deliveryOf(webhook);
    expect(delivery).toMatchObject({ status: 'waiting', tries: 1, attempts: [{ status: 503, error: 'it answered 503', answer: 'not now' }] });
    const waitMs = Date.parse(delivery.next_try_at ?? '') - before;
    expect(waitMs).toBeGreaterThan(3500);
    expect(waitMs).toBeLessThan(12_000);
    answers.delete('/failing');
    await until(() => isOver(webhook, 'delivered'), 15_000);
    expect(new Set(heardAt('/failing').map(({ headers }) => headers.get('webhook-id')))).toEqual(new Set([delivery.event.id]));
  });

  test('that asks for a longer wait is given it', async () => {
    answers.set('/busy', () => new Response('', { status: 429, headers: { 'retry-after': '600' } }));
    const webhook = await newWebhook('/busy');
    await people.ask('POST', `/api/v1/webhooks/${webhook.id}/test`);
    await until(async () => (await deliveryOf(webhook)).attempts.length === 1);
    expect(Date.parse((await deliveryOf(webhook)).next_try_at ?? '') - Date.now()).toBeGreaterThan(590_000);
  });

  test('that is gone is disabled, until somebody enables it', async () => {
    answers.set('/gone', () => new Response('', { status: 410 }));
    const webhook = await newWebhook('/gone');
    await people.ask('POST', `/api/v1/webhooks/${webhook.id}/test`);
    await until(() => isOver(webhook, 'failed'));
    const show = async (): Promise<Webhook> => (await people.ask<Webhook>('GET', `/api/v1/webhooks/${webhook.id}`)).json;
    expect(await show()).toMatchObject({ enabled: false, disabled_reason: 'it answered 410: that it is gone' });
    await people.ask('PATCH', `/api/v1/webhooks/${webhook.id}`, { enabled: true });
    expect(await show()).toMatchObject({ enabled: true, disabled_reason: null });
  });

  test('that redirects is not followed', async () => {
    answers.set('/redirecting', () => Response.redirect(at('/elsewhere'), 302));
    const webhook = await newWebhook('/redirecting');
    await people.ask('POST', `/api/v1/webhooks/${webhook.id}/test`);
    await until(async () => (await deliveryOf(webhook)).attempts.length === 1);
    expect(await deliveryOf(webhook)).toMatchObject({ status: 'waiting', attempts: [{ status: 302, error: 'it redirected with 302, which is not followed' }] });
    expect(heardAt('/elsewhere')).toEqual([]);
  });

  test('that hangs keeps no other one waiting', async () => {
    const hanging = Promise.withResolvers<Response>();
    answers.set('/hanging', () => hanging.promise);
    const slow = await newWebhook('/hanging', { events: ['batch.expired'] });
    const well = await newWebhook('/well', { events: ['batch.expired'] });
    for (let count = 0; count < 100; count++) await happen('batch.expired', { subject: `job_${count}` });
    await until(() => heardAt('/well').length === 100, 15_000);
    expect(heardAt('/hanging').length).toBeLessThan(20);
    await people.ask('DELETE', `/api/v1/webhooks/${slow.id}`);
    await people.ask('DELETE', `/api/v1/webhooks/${well.id}`);
    hanging.resolve(new Response());
  });

  test.each(['http://10.0.0.1/', 'http://169.254.169.254/latest', 'http://[::1]/', 'http://127.0.0.2:1/', 'http://2130706434/'])(
    'at %s is not called, and the delivery says why',
    async (url) => {
      const webhook = await newWebhook('/unused', { url });
      await people.ask('POST', `/api/v1/webhooks/${webhook.id}/test`);
      await until(async () => (await deliveryOf(webhook)).attempts.length === 1);
      expect((await deliveryOf(webhook)).attempts[0]).toMatchObject({
        status: null,
        error: expect.stringContaining('is not an address of the public internet'),
      });
    },
  );
});

describe('what was delivered', () => {
  test('is delivered once more when somebody asks for it', async () => {
    const webhook = await newWebhook('/replayed');
    await people.ask('POST', `/api/v1/webhooks/${webhook.id}/test`);
    await until(() => isOver(webhook, 'delivered'));
    const { id, event } = await deliveryOf(webhook);
    expect((await people.ask<Delivery>('POST', `/api/v1/webhooks/deliveries/${id}/replay`)).json).toMatchObject({ status: 'waiting', tries: 0 });
    await until(() => heardAt('/replayed').length === 2);
    expect(heardAt('/replayed').map(({ headers }) => headers.get('webhook-id'))).toEqual([event.id, event.id]);
  });
});

describe('a webhook', () => {
  test('shows its secret once, and the database does not know it', async () => {
    const webhook = await newWebhook('/secret');
    expect(webhook.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const shown = await people.ask('GET', `/api/v1/webhooks/${webhook.id}`);
    expect(shown.text).not.toContain('whsec_');
    const kept = JSON.stringify(await people.rows("select encode(secret, 'hex') as secret from webhook_endpoints where id = $1", [webhook.id]));
    expect(kept).not.toContain(Buffer.from(webhook.secret.slice(6), 'base64').toString('hex'));
  });

  test.each([
    ['a weak secret', { secret: 'whsec_AAAA' }, 'secret'],
    ['an empty one', { secret: '' }, 'secret'],
    ['an address with a password', { url: 'https://user:word@example.org/' }, 'url'],
    ['no web address', { url: 'ftp://example.org/' }, 'url'],
    ['an unknown event', { events: ['batch.begun'] }, 'events[0]'],
  ])('is refused with %s', async (_, parts, field) => {
    const { status, json } = await people.ask('POST', '/api/v1/webhooks', { url: 'https://example.org/', ...parts });
    expect([status, json.error.field]).toEqual([422, field]);
  });

  test('of another project does not exist', async () => {
    const project = await people.newProject();
    const stranger = await people.asUser(await people.newUser({ project_id: project.id }));
    const webhook = await newWebhook('/mine');
    await people.ask('POST', `/api/v1/webhooks/${webhook.id}/test`);
    const { id } = await deliveryOf(webhook);
    const asked = [
      people.ask('GET', `/api/v1/webhooks/${webhook.id}`, undefined, stranger),
      people.ask('PATCH', `/api/v1/webhooks/${webhook.id}`, { enabled: false }, stranger),
      people.ask('DELETE', `/api/v1/webhooks/${webhook.id}`, undefined, stranger),
      people.ask('POST', `/api/v1/webhooks/${webhook.id}/rotate`, {}, stranger),
      people.ask('POST', `/api/v1/webhooks/${webhook.id}/test`, undefined, stranger),
      people.ask('GET', `/api/v1/webhooks/deliveries/${id}`, undefined, stranger),
      people.ask('POST', `/api/v1/webhooks/deliveries/${id}/replay`, undefined, stranger),
    ];
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404, 404]);
    const { json } = await people.ask<Listed<Delivery>>('GET', '/api/v1/webhooks/deliveries', undefined, stranger);
    expect(json.data).toEqual([]);
  });
});
