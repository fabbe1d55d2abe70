import { describe, expect, test } from 'bun:test';
import { AppError } from '../../../contract/errors.ts';
import type { Template } from '../../../core/template.ts';
import { checkedRows } from './read.ts';
import { rowCheck } from './row.ts';
import { openTable } from './table.ts';
import type { IncomingRow } from './take-in.ts';

const TEMPLATE: Template = {
  name: 'letter',
  version: 1,
  description: '',
  messages: [{ role: 'user', content: '{{ input }}' }],
  parameters: {
    type: 'object',
    properties: { tone: { type: 'string' }, words: { type: 'integer' }, formal: { type: 'boolean' }, tags: { type: 'array', items: { type: 'string' } } },
    additionalProperties: false,
  },
};

type Asked = { readonly template?: Template; readonly map?: string; readonly endpoint?: string; readonly columnsBefore?: readonly string[] };

async function read(text: string, { template, map, endpoint = '/v1/chat/completions', columnsBefore = [] }: Asked = {}): Promise<readonly IncomingRow[]> {
  const job = {
    endpoint: template ? '/api/v1/generate' : endpoint,
    model: 'demo',
    max_tokens: null,
    temperature: null,
    template_id: template ? 'letter_v1' : null,
  };
  const table = await openTable(bytes(text), { endpoint: job.endpoint, template: template ?? null, map, columnsBefore });
  const rows: IncomingRow[] = [];
  for await (const row of checkedRows(table.rows(), rowCheck({ job, template: template ?? null, defaultModel: 'demo' }))) rows.push(row);
  return rows;
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  // In pieces of any size: a table does not come as it is cut here.
  for (let at = 0; at < text.length; at += 7) yield Buffer.from(text.slice(at, at + 7));
}

async function refusal(
  reading: Promise<unknown>,
): Promise<{ readonly code: string; readonly field: string | undefined; readonly message: string; readonly details: object }> {
  const thrown = await reading.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!(thrown instanceof AppError)) throw new Error(`it was not refused: ${String(thrown)}`);
  return { code: thrown.code, field: thrown.parts.field, message: thrown.message, details: thrown.parts.details ?? {} };
}

const bodies = async (text: string, asked?: Asked): Promise<readonly object[]> => (await read(text, asked)).map(({ body }) => body);
const user = (content: string): object => ({ role: 'user', content });

describe('a table of a job without a template', () => {
  test('says what is asked, how, and of which model', async () => {
    expect(await bodies('input,system,model\nHi,Be kind,other\nHo,,\n')).toEqual([
      { model: 'other', messages: [{ role: 'system', content: 'Be kind' }, user('Hi')] },
      { messages: [user('Ho')] },
    ]);
  });

  test.each([
    ['/v1/messages', { messages: [user('Hi')], max_tokens: 5 }, '"{""messages"":[{""role"":""user"",""content"":""Hi""}],""max_tokens"":5}"', 'body'],
    ['/v1/responses', { input: 'Hi' }, 'Hi', 'input'],
    ['/v1/embeddings', { input: 'Hi' }, 'Hi', 'input'],
    ['/v1/moderations', { input: 'Hi' }, 'Hi', 'input'],
    ['/v1/completions', { prompt: 'Hi' }, 'Hi', 'input'],
  ])('has the words of %s', async (endpoint, body, cell, column) => {
    expect(await bodies(`${column}\n${cell}\n`, { endpoint })).toEqual([body]);
  });

  test('calls a request by its column, or else by its line', async () => {
    expect((await read('custom_id,input\na,Hi\n\n,Ho\n')).map(({ customId, line }) => [customId, line])).toEqual([
      ['a', 2],
      ['4', 4],
    ]);
  });

  test('has names in capitals and between spaces, and keeps all of its cells in the places of those before it', async () => {
    const rows = await read(' Input , Note\nHi,=1+1\n', { columnsBefore: ['Nr', 'Note'] });
    expect(rows.map(({ body, columns }) => [body, columns])).toEqual([[{ messages: [user('Hi')] }, ['', '=1+1', 'Hi']]]);
  });
});

describe('a table of a job with a template', () => {
  test('has its parameters as what they are to be, and none where a cell is empty', async () => {
    const rows = await bodies('input,words,formal,tags,tone\nHi,12,TRUE,"[""a""]",\nHo,,,,12\n', { template: TEMPLATE });
    expect(rows).toEqual([
      { input: 'Hi', parameters: { words: 12, formal: true, tags: ['a'] } },
      { input: 'Ho', parameters: { tone: '12' } },
    ]);
  });

  test('has columns of other names, as the query says', async () => {
    const rows = await read('Text,How,Nr,input\nHi,kindly,7,not this\n', { template: TEMPLATE, map: 'Text:input,How:tone,Nr:custom_id' });
    expect(rows.map(({ customId, body }) => [customId, body])).toEqual([['7', { input: 'Hi', parameters: { tone: 'kindly' } }]]);
  });

  test.each([
    ['a number that is none', 'input,words\nHi,many\n', { code: 'INVALID_TYPE', field: 'requests[0].parameters.words', details: { line: 2 } }],
    ['no input in a line', 'input,words\nHi,1\n,2\n', { code: 'MISSING_REQUIRED_FIELD', field: 'requests[1].input', details: { line: 3 } }],
    ['a list that is no JSON', 'input,tags\nHi,[a\n', { code: 'INVALID_TYPE', field: 'requests[0].parameters.tags' }],
    ['a line too long', 'input\nHi,Ho\n', { code: 'INVALID_VALUE', details: { line: 2, received: 2, expected: 1 } }],
  ])('with %s is refused', async (_what, text, refused) => {
    expect(await refusal(read(text, { template: TEMPLATE }))).toMatchObject(refused);
  });
});

test.each([
  ['nothing', '', undefined, { message: 'The table is empty: its first line must be the names of its columns' }],
  ['no column that is asked', 'text\nHi\n', undefined, { details: { line: 1, columns: ['text'] } }],
  ['one name for two columns', 'input,input\nHi,Ho\n', undefined, { details: { line: 1 } }],
  ['a map of a column that is not there', 'input\nHi\n', 'Text:input', { field: 'map', details: { columns: ['input'] } }],
  ['a map to nothing', 'input\nHi\n', 'input:prompt', { field: 'map', details: { allowed: ['custom_id', 'input', 'body', 'system', 'model'] } }],
  ['a map of two columns to one', 'a,b\nHi,Ho\n', 'a:input,b:input', { field: 'map' }],
  ['a map that says a column twice', 'a,b\nHi,Ho\n', 'a:input,a:system', { field: 'map' }],
  ['a body that is no JSON', 'body\n{\n', undefined, { code: 'INVALID_JSON', details: { line: 2 } }],
  ['a name of more lines', 'custom_id,input\n"a\nb",Hi\n', undefined, { field: 'requests[0].custom_id', details: { line: 2 } }],
] as const)('a table with %s is refused', async (_what, text, map, refused) => {
  expect(await refusal(read(text, map === undefined ? {} : { map }))).toMatchObject(refused);
});
