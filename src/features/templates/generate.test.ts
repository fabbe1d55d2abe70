import { describe, expect, test } from 'bun:test';
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import { BUILT_IN_IDS } from '../../core/builtin-templates.ts';
import type { Database } from '../../tables.ts';
import { ask, scriptedWorld, thrown, type World } from './scripted-world.test.ts';

const GENERATE = 'POST /api/v1/generate';

/** A database in which there is nothing. */
const db = new Kysely<Database>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (each) => new PostgresIntrospector(each),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});
const world = (answers: readonly string[] = ['said'], settings: object = {}): World => scriptedWorld({ db, projectId: 'default', answers, settings });

describe('/api/v1/generate', () => {
  test('shows the prompt only when asked, or where the service says so', async () => {
    const body = { template_id: 'basic_chat_v1', input: 'hi' };
    expect((await ask(world(), GENERATE, { body })).json).not.toHaveProperty('prompt_debug');
    expect((await ask(world(['said'], { debug: true }), GENERATE, { body })).json).toHaveProperty('prompt_debug');
  });

  test('checks the parameters by the schema of the template, all of them', async () => {
    const body = { template_id: 'summarize_v1', input: 'x', parameters: { max_words: 0, style: 7, colour: 'red' } };
    const error = await thrown(ask(world(), GENERATE, { body }));
    expect(error.parts.details?.['errors']).toMatchObject([
      { field: 'parameters.max_words', code: 'INVALID_VALUE' },
      { field: 'parameters.style', code: 'INVALID_TYPE' },
      { field: 'parameters.colour', code: 'INVALID_VALUE' },
    ]);
    const missing = await thrown(ask(world(), GENERATE, { body: { template_id: 'translate', input: 'x' } }));
    expect(missing).toMatchObject({ code: 'MISSING_REQUIRED_FIELD', parts: { field: 'parameters.target_language' } });
  });

  test('the answer of a template with an output schema fits it', async () => {
    const fits = JSON.stringify({ intros: ['Hook.'] });
    const one = world(['{"intros": []}', `Sure: ${fits}`]);
    expect((await ask(one, GENERATE, { body: { template_id: 'youtube_intro_v1', input: 'bees' } })).json).toMatchObject({
      output: fits,
      usage: { total_tokens: 10 },
    });
    expect(one.asked).toHaveLength(2);
  });

  test('the guide names the templates and an example that works', async () => {
    const one = world();
    const { json } = await ask(one, 'GET /api/v1/generate');
    const { templates, example } = json as { templates: { id: string }[]; example: { body: unknown; curl: string } };
    expect(templates.map(({ id }) => id)).toEqual([...BUILT_IN_IDS]);
    expect(example.curl).toContain('http://localhost/api/v1/generate');
    expect(await ask(one, GENERATE, { body: example.body })).toMatchObject({ json: { output: 'said' } });
  });
});
