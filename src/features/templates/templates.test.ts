import { describe, expect, test } from 'bun:test';
import { TemplateCreated, TemplateGenerateReply, TemplateReply } from '../../contract/templates.ts';
import { BUILT_IN_IDS } from '../../core/builtin-templates.ts';
import type { Reply } from '../../http/route.ts';
import { ownDatabase } from '../../platform/postgres/own-database.test.ts';
import { templateRoutes } from './routes.ts';
import { ask, scriptedWorld, thrown, type World } from './scripted-world.test.ts';

const open = ownDatabase();

let projects = 0;

/** A project of its own. */
async function world(): Promise<World> {
  projects += 1;
  const projectId = `prj_${projects}`;
  await open.db.insertInto('projects').values({ id: projectId, name: projectId }).execute();
  return scriptedWorld({ db: open.db, projectId });
}

const LIST = 'GET /api/v1/templates';
const CREATE = 'POST /api/v1/templates';
const SHOW = 'GET /api/v1/templates/{id}';
const DELETE = 'DELETE /api/v1/templates/{id}';
const GENERATE = 'POST /api/v1/generate';
const greeting = (content = 'Greet {{ input }} {{ tone }}.') => ({
  name: 'greeting',
  messages: [{ role: 'user', content }],
  parameters: { properties: { zebra: { type: 'integer', default: 1 }, tone: { type: 'string', enum: ['warmly', 'coldly'], default: 'warmly' } } },
});
const idsOf = (reply: Reply): string[] => (reply.json as { data: { id: string }[] }).data.map(({ id }) => id);

describe('versions', () => {
  test('posting a name makes its next version, and none changes', async () => {
    const one = await world();
    const first = await ask(one, CREATE, { body: greeting() });
    expect(first).toMatchObject({
      status: 201,
      headers: { location: '/api/v1/templates/greeting_v1' },
      json: { id: 'greeting_v1', version: 1, built_in: false, created_by: 'ada', warnings: ['No message uses the parameter zebra.'] },
    });
    expect(TemplateCreated.safeParse(first.json).success).toBe(true);
    expect(await ask(one, CREATE, { body: greeting('Hello {{ input }}') })).toMatchObject({ json: { id: 'greeting_v2' } });
    const shown = await ask(one, SHOW, { id: 'greeting_v1' });
    expect(shown.json).toMatchObject({ id: 'greeting_v1', messages: greeting().messages, placeholders: ['input', 'tone'] });
    expect(TemplateReply.safeParse(shown.json).success).toBe(true);
    expect(await ask(one, SHOW, { id: 'greeting' })).toMatchObject({ json: { id: 'greeting_v2' } });
  });

  test('parameters keep the order in which they were written', async () => {
    const one = await world();
    await ask(one, CREATE, { body: greeting() });
    const { json } = await ask(one, SHOW, { id: 'greeting_v1' });
    expect(Object.keys((json as { parameters: { properties: object } }).parameters.properties)).toEqual(['zebra', 'tone']);
  });

  test('posts at the same moment get a number each', async () => {
    const one = await world();
    const replies = await Promise.all(Array.from({ length: 12 }, () => ask(one, CREATE, { body: greeting() })));
    const versions = replies.map(({ json }) => (json as { version: number }).version).toSorted((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  });

  test('an id has to be the next one', async () => {
    const one = await world();
    const { name: _, ...nameless } = greeting();
    const post = (id: string): Promise<Reply> => ask(one, CREATE, { body: { ...nameless, id } });
    expect(await thrown(post('greeting_v2'))).toMatchObject({ code: 'INVALID_VALUE', parts: { field: 'id', details: { next: 'greeting_v1' } } });
    expect(await post('greeting_v1')).toMatchObject({ json: { id: 'greeting_v1' } });
    expect(await thrown(post('greeting_v1'))).toMatchObject({ code: 'CONFLICT', parts: { details: { next: 'greeting_v2' } } });
    expect(await post('greeting')).toMatchObject({ json: { id: 'greeting_v2' } });
    expect(await thrown(ask(one, CREATE, { body: nameless }))).toMatchObject({ code: 'MISSING_REQUIRED_FIELD', parts: { field: 'name' } });
  });

  test('a deleted version is gone, and its number is not given again', async () => {
    const one = await world();
    for (let count = 0; count < 2; count += 1) await ask(one, CREATE, { body: greeting() });
    expect(await ask(one, DELETE, { id: 'greeting_v2' })).toEqual({ status: 204 });
    expect((await thrown(ask(one, DELETE, { id: 'greeting_v2' }))).code).toBe('TEMPLATE_NOT_FOUND');
    expect(await ask(one, SHOW, { id: 'greeting' })).toMatchObject({ json: { id: 'greeting_v1' } });
    expect(await ask(one, CREATE, { body: greeting() })).toMatchObject({ json: { id: 'greeting_v3' } });
    expect(await thrown(ask(one, DELETE, { id: 'greeting' }))).toMatchObject({ code: 'INVALID_VALUE', parts: { field: 'id' } });
  });

  test('what another project has does not exist', async () => {
    const [one, other] = [await world(), await world()];
    await ask(one, CREATE, { body: greeting() });
    for (const route of [SHOW, DELETE]) {
      expect(await thrown(ask(other, route, { id: 'greeting_v1' }))).toMatchObject({
        code: 'TEMPLATE_NOT_FOUND',
        parts: { details: { available: BUILT_IN_IDS } },
      });
    }
    expect(await thrown(ask(other, GENERATE, { body: { template_id: 'greeting', input: 'x' } }))).toMatchObject({
      code: 'TEMPLATE_NOT_FOUND',
      parts: { field: 'template_id' },
    });
    expect(idsOf(await ask(other, LIST))).toEqual([...BUILT_IN_IDS]);
  });

  test.each(['greeting_v1', 'x\0', '../etc', 'greeting_v999999999', '__proto__', "'; drop table templates; --"])('there is no %p', async (id) => {
    expect((await thrown(ask(await world(), SHOW, { id }))).code).toBe('TEMPLATE_NOT_FOUND');
  });

  test('all mistakes of a template are named', async () => {
    const body = { name: 'x', messages: [{ role: 'user', content: '{{ a }} {{ b }}' }], output: { type: 'string' } };
    const error = await thrown(ask(await world(), CREATE, { body }));
    expect(error).toMatchObject({ code: 'INVALID_VALUE', parts: { field: 'messages[0].content' } });
    expect(error.parts.details?.['errors']).toMatchObject([{ field: 'messages[0].content' }, { field: 'messages[0].content' }, { field: 'output.type' }]);
  });
});

describe('the built-in templates', () => {
  test('cannot be deleted, and take newer versions of a project, which it alone sees', async () => {
    const [one, other] = [await world(), await world()];
    expect((await thrown(ask(one, DELETE, { id: 'summarize_v1' }))).code).toBe('CONFLICT');
    expect(await ask(one, CREATE, { body: { ...greeting(), name: 'summarize' } })).toMatchObject({ json: { id: 'summarize_v2' } });
    expect(await ask(one, SHOW, { id: 'summarize' })).toMatchObject({ json: { id: 'summarize_v2', built_in: false } });
    expect(await ask(one, SHOW, { id: 'summarize_v1' })).toMatchObject({ json: { built_in: true } });
    expect(await ask(other, SHOW, { id: 'summarize' })).toMatchObject({ json: { id: 'summarize_v1', built_in: true } });
  });
});

describe('the list', () => {
  test('is newest first, the built-in ones last, and pages through all without a repeat while some are added', async () => {
    const one = await world();
    for (let count = 0; count < 5; count += 1) await ask(one, CREATE, { body: greeting() });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await ask(one, LIST, { query: { limit: 2, ...(cursor === null ? {} : { cursor }) } });
      seen.push(...idsOf(page));
      ({ next_cursor: cursor } = page.json as { next_cursor: string | null });
      await ask(one, CREATE, { body: { ...greeting(), name: 'other' } });
    } while (cursor !== null);
    expect(seen).toEqual(['greeting_v5', 'greeting_v4', 'greeting_v3', 'greeting_v2', 'greeting_v1', ...BUILT_IN_IDS]);
    expect(idsOf(await ask(one, LIST, { query: { name: 'greeting', limit: 1 } }))).toEqual(['greeting_v5']);
    expect(await thrown(ask(one, LIST, { query: { cursor: 'x' } }))).toMatchObject({ code: 'INVALID_VALUE', parts: { field: 'cursor' } });
  });

  test('has those of one moment once each', async () => {
    const one = await world();
    for (const name of ['b', 'a', 'c']) {
      one.now = 1.7e12;
      await ask(one, CREATE, { body: { ...greeting(), name } });
    }
    const first = await ask(one, LIST, { query: { limit: 1 } });
    const rest = await ask(one, LIST, { query: { limit: 2, cursor: (first.json as { next_cursor: string }).next_cursor } });
    expect([...idsOf(first), ...idsOf(rest)]).toEqual(['a_v1', 'b_v1', 'c_v1']);
  });
});

describe('render and diff', () => {
  test('render shows the messages with their tokens, and asks no model', async () => {
    const one = await world();
    await ask(one, CREATE, { body: greeting() });
    const { json } = await ask(one, 'POST /api/v1/templates/{id}/render', { id: 'greeting', body: { input: '{{ tone }}', parameters: { tone: 'coldly' } } });
    expect(json).toMatchObject({
      template_id: 'greeting_v1',
      messages: [{ role: 'user', content: 'Greet {{ tone }} coldly.' }],
      parameters: { zebra: 1, tone: 'coldly' },
      tokens: 14,
    });
    expect(one.asked).toEqual([]);
  });

  test('diff compares with the version before, or with any other', async () => {
    const one = await world();
    await ask(one, CREATE, { body: greeting() });
    await ask(one, CREATE, {
      body: { ...greeting('Greet {{ input }} briefly.'), temperature: 0.1, parameters: { properties: { zebra: { type: 'integer', default: 2 } } } },
    });
    const diff = 'GET /api/v1/templates/{id}/diff';
    expect(await ask(one, diff, { id: 'greeting_v2' })).toMatchObject({
      json: {
        from: 'greeting_v1',
        to: 'greeting_v2',
        identical: false,
        messages: [
          {
            change: 'changed',
            pieces: [{ op: 'same', text: 'Greet {{ input }} ' }, { op: 'removed' }, { op: 'added', text: 'briefly' }, { op: 'same', text: '.' }],
          },
        ],
        settings: [{ field: 'temperature', from: null, to: 0.1 }],
        schemas: [{ field: 'parameters.properties.zebra.default', from: 1, to: 2 }, { field: 'parameters.properties.tone' }],
      },
    });
    expect(await ask(one, diff, { id: 'greeting_v1', query: { against: 'greeting_v1' } })).toMatchObject({ json: { identical: true } });
    expect(await thrown(ask(one, diff, { id: 'greeting_v1' }))).toMatchObject({ code: 'INVALID_VALUE', parts: { field: 'against' } });
    expect(await thrown(ask(one, diff, { id: 'greeting_v1', query: { against: 'nothing_v1' } }))).toMatchObject({
      code: 'TEMPLATE_NOT_FOUND',
      parts: { field: 'against' },
    });
  });
});

test('fills the template, and settings of the request win over those of the template', async () => {
  const one = await world();
  await ask(one, CREATE, { body: { ...greeting(), model: 'theirs', temperature: 0.1, top_p: 0.5, max_tokens: 77 } });
  const reply = await ask(one, GENERATE, { body: { template_id: 'greeting', input: 'Bob', temperature: 1.5, debug: true } });
  expect(TemplateGenerateReply.safeParse(reply.json).success).toBe(true);
  expect(reply.json).toMatchObject({
    output: 'said',
    template_id: 'greeting_v1',
    usage: { total_tokens: 5 },
    prompt_debug: { messages: [{ content: 'Greet Bob warmly.' }], temperature: 1.5, top_p: 0.5, max_tokens: 77 },
  });
  expect(one.asked[0]).toMatchObject({
    model: 'theirs',
    templateId: 'greeting_v1',
    request: { temperature: 1.5, topP: 0.5, maxTokens: 77, dialect: 'openai-responses' },
  });
});

test('the status names what runs here', async () => {
  const one = await world();
  await ask(one, CREATE, { body: greeting() });
  expect(await ask(one, 'GET /api/v1/status')).toMatchObject({
    json: {
      app_name: 'Sluice',
      env: 'development',
      model: 'm',
      templates: ['greeting_v1', ...BUILT_IN_IDS],
      cache: { size: 2, max_entries: 10, hits: 1, misses: 3 },
      cache_size: 2,
      uptime_s: 5,
    },
  });
});

const example = (route: string): unknown => templateRoutes.find(({ method, path }) => `${method} ${path}` === route)?.example;

test('the examples of the docs are taken as they stand', async () => {
  const one = await world();
  expect(await ask(one, CREATE, { body: example(CREATE) })).toMatchObject({ status: 201, json: { id: 'product_text_v1', warnings: [] } });
  expect(await ask(one, GENERATE, { body: example(GENERATE) })).toMatchObject({ json: { output: 'said' } });
});
