import { describe, expect, test } from 'bun:test';
import { AppError } from '../../../contract/errors.ts';
import type { BatchError } from '../../../contract/batches.ts';
import { InputErrors, inputRows } from './input.ts';

const ENDPOINT = '/v1/chat/completions';
const assertModel = (model: string): void => {
  if (model === 'none') throw new AppError('MODEL_NOT_FOUND', { message: 'There is no model "none"' });
};
const line = (parts: object = {}): object => ({ custom_id: 'a', method: 'POST', url: ENDPOINT, body: { model: 'demo' }, ...parts });

type Read = { readonly names: readonly string[]; readonly models: readonly string[]; readonly errors: readonly BatchError[] };

async function read(lines: readonly (object | string)[], pieceBytes = 1000): Promise<Read> {
  const bytes = Buffer.from(lines.map((each) => `${typeof each === 'string' ? each : JSON.stringify(each)}\n`).join(''));
  const pieces = (async function* () {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  })();
  const names: string[] = [];
  const rows = inputRows(pieces, { endpoint: ENDPOINT, assertModel });
  try {
    for (;;) {
      const next = await rows.next();
      if (next.done === true) return { names, models: [...next.value], errors: [] };
      names.push(next.value.customId);
    }
  } catch (cause) {
    if (!(cause instanceof InputErrors)) throw cause;
    return { names, models: [], errors: cause.errors };
  }
}

test('requests come in the order of their lines, with the models that they name', async () => {
  const lines = [line(), '', line({ custom_id: 'b ü', body: { model: 'other' } }), line({ custom_id: 'c', body: {} }), line({ custom_id: 'd' })];
  for (const size of [1, 7, 1000]) expect(await read(lines, size)).toEqual({ names: ['a', 'b ü', 'c', 'd'], models: ['demo', 'other'], errors: [] });
});

describe('a line with a mistake', () => {
  test.each<[string, object | string, string, string | null]>([
    ['no JSON', '{', 'invalid_json_line', null],
    ['a text', '"a"', 'invalid_json_line', null],
    ['null', 'null', 'invalid_json_line', null],
    ['no custom_id', line({ custom_id: undefined }), 'missing_required_parameter', 'custom_id'],
    ['an empty custom_id', line({ custom_id: '' }), 'missing_required_parameter', 'custom_id'],
    ['a blank custom_id', line({ custom_id: ' ' }), 'invalid_custom_id', 'custom_id'],
    ['a custom_id of two lines', line({ custom_id: 'a\nb' }), 'invalid_custom_id', 'custom_id'],
    ['a custom_id with NUL', line({ custom_id: 'a\0' }), 'invalid_custom_id', 'custom_id'],
    ['a custom_id that is too long', line({ custom_id: 'x'.repeat(257) }), 'invalid_custom_id', 'custom_id'],
    ['no method', line({ method: undefined }), 'missing_required_parameter', 'method'],
    ['another method', line({ method: 'post' }), 'invalid_method', 'method'],
    ['no url', line({ url: null }), 'missing_required_parameter', 'url'],
    ['the url of another endpoint', line({ url: '/v1/embeddings' }), 'mismatched_url', 'url'],
    ['no body', line({ body: undefined }), 'missing_required_parameter', 'body'],
    ['a list as its body', line({ body: [] }), 'invalid_type', 'body'],
    ['a stream', line({ body: { stream: true } }), 'invalid_value', 'body.stream'],
    ['something in the background', line({ body: { background: true } }), 'invalid_value', 'body.background'],
    ['a model that there is not', line({ body: { model: 'none' } }), 'model_not_found', 'body.model'],
    ['a model that is no text', line({ body: { model: 7 } }), 'invalid_type', 'body.model'],
  ])('%s is told with its number, and nothing behind it is handed on', async (_what, bad, code, param) => {
    const { names, errors } = await read([line({ custom_id: 'good' }), bad, line({ custom_id: 'later' })]);
    expect(names).toEqual(['good']);
    expect(errors.map((error) => [error.line, error.code, error.param])).toEqual([[2, code, param]]);
  });

  test('is one of many, of which a hundred are told', async () => {
    const { errors } = await read(Array.from({ length: 500 }, () => '{'));
    expect(errors.map(({ line: number }) => number)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  test('has the name of an earlier one', async () => {
    expect((await read([line(), line({ custom_id: 'b' }), line()])).errors).toMatchObject([{ line: 3, code: 'duplicate_custom_id' }]);
  });

  test('is the one beyond fifty thousand, and is told once', async () => {
    const { errors } = await read(
      Array.from({ length: 50_010 }, (_, index) => line({ custom_id: `${index}` })),
      100_000,
    );
    expect(errors).toMatchObject([{ line: 50_001, code: 'too_many_requests' }]);
  });

  test('is longer than any body, and ends the reading', async () => {
    expect((await read(['{', `"${'x'.repeat(11_000_000)}"`, '{'], 1_000_000)).errors).toMatchObject([{ line: 1 }, { line: 2, code: 'invalid_json_line' }]);
  });
});

test('a file of nothing is no input', async () => {
  expect((await read([])).errors).toEqual([{ code: 'empty_file', line: null, message: 'The input file has no requests.', param: null }]);
});
