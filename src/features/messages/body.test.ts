import { expect, test } from 'bun:test';
import { CountTokensBody, MessagesBody } from '../../contract/messages.ts';
import { AppError } from '../../contract/errors.ts';
import { checker } from '../../http/validate.ts';

type Mistake = { readonly field: string; readonly code: string };

function mistakesOf(body: object, schema: typeof MessagesBody | typeof CountTokensBody = MessagesBody): string[] {
  try {
    checker(schema, 'body')(body);
    return [];
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    const errors = (cause.parts.details?.['errors'] ?? []) as readonly Mistake[];
    return errors.map(({ field, code }) => `${field} ${code}`);
  }
}

const turn = (content: unknown): object => ({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content }] });

test('every mistake is named by its path, missing ones first', () => {
  const content = [
    { type: 'text', text: 1 },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 2 } },
    { type: 'tool_result', content: [{ type: 'text' }, { type: 'image', source: {} }], is_error: 'yes' },
    { text: 'of no type' },
  ];
  const body = { model: 7, messages: [{ role: 'robot', content }], tools: [{ name: 'x' }, { type: 'bash_20250124' }], tool_choice: 'auto', temperature: 2 };
  expect(mistakesOf(body)).toEqual([
    'messages[0].content[2].tool_use_id MISSING_REQUIRED_FIELD',
    'messages[0].content[2].content[0].text MISSING_REQUIRED_FIELD',
    'messages[0].content[2].content[1].source.type MISSING_REQUIRED_FIELD',
    'messages[0].content[3].type MISSING_REQUIRED_FIELD',
    'tools[0].input_schema MISSING_REQUIRED_FIELD',
    'max_tokens MISSING_REQUIRED_FIELD',
    'model INVALID_TYPE',
    'messages[0].role INVALID_VALUE',
    'messages[0].content[0].text INVALID_TYPE',
    'messages[0].content[1].source.data INVALID_TYPE',
    'messages[0].content[2].is_error INVALID_TYPE',
    'tool_choice INVALID_TYPE',
    'temperature INVALID_VALUE',
  ]);
});

test.each([
  ['no turns', { model: 'm', max_tokens: 1, messages: [] }, ['messages INVALID_VALUE']],
  ['content of another type', turn(7), ['messages[0].content INVALID_TYPE']],
  ['a system of another type', { ...turn('x'), system: 7 }, ['system INVALID_TYPE']],
  ['a system block without text', { ...turn('x'), system: [{ type: 'text' }] }, ['system[0].text MISSING_REQUIRED_FIELD']],
  ['a fraction of a token', { ...turn('x'), max_tokens: 1.5 }, ['max_tokens INVALID_TYPE']],
  ['a chosen tool without a name', { ...turn('x'), tool_choice: { type: 'tool' } }, ['tool_choice.name MISSING_REQUIRED_FIELD']],
  ['a format without a schema', { ...turn('x'), output_config: { format: { type: 'json_schema' } } }, ['output_config.format.schema MISSING_REQUIRED_FIELD']],
  ['thinking without a budget', { ...turn('x'), thinking: { type: 'enabled' } }, ['thinking.budget_tokens MISSING_REQUIRED_FIELD']],
])('%s', (_what, body, mistakes) => expect(mistakesOf(body)).toEqual(mistakes));

test('what we do not know passes as it came', () => {
  const body = {
    ...turn([{ type: 'of_next_year', text: 1 }, { type: 'constructor' }, { type: 'image', source: { type: 'file', file_id: 'f' }, more: 1 }]),
    tools: [{ type: 'web_search_20260318', name: 'web_search', max_uses: 3 }],
    tool_choice: { type: 'of_next_year' },
    field_of_next_year: { nested: [null] },
  };
  expect(checker(MessagesBody, 'body')(body)).toEqual(body);
});

test('a count needs no longest length', () => {
  const { max_tokens: _, ...body } = turn('x') as Record<string, unknown>;
  expect(mistakesOf(body, CountTokensBody)).toEqual([]);
  expect(mistakesOf(body)).toEqual(['max_tokens MISSING_REQUIRED_FIELD']);
});
