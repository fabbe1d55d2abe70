import { describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import { generateRequest } from '../contract/generation.ts';
import { queryChecker } from './query.ts';
import { checker } from './validate.ts';

const check = checker(generateRequest({ promptCharsMax: 1000, tokensMax: 16_384 }), 'body');

function refusalOf(run: () => unknown): AppError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
  }
  throw new Error('it was accepted');
}

describe('a body is refused with the right code and field', () => {
  const cases: [string, unknown, string, string | null][] = [
    ['a missing field', {}, 'MISSING_REQUIRED_FIELD', 'prompt'],
    ['null', { prompt: null }, 'INVALID_TYPE', 'prompt'],
    ['a number for a text', { prompt: 5 }, 'INVALID_TYPE', 'prompt'],
    ['an empty text', { prompt: '' }, 'INVALID_VALUE', 'prompt'],
    ['a blank text', { prompt: ' \n\t ' }, 'INVALID_VALUE', 'prompt'],
    ['a text that is too long', { prompt: 'x'.repeat(1001) }, 'INVALID_VALUE', 'prompt'],
    ['a number as a string', { prompt: 'a', temperature: '0.5' }, 'INVALID_TYPE', 'temperature'],
    ['a number out of its range', { prompt: 'a', temperature: 3.5 }, 'INVALID_VALUE', 'temperature'],
    ['a fraction for a whole number', { prompt: 'a', max_tokens: 1.5 }, 'INVALID_TYPE', 'max_tokens'],
    ['null for an optional field', { prompt: 'a', top_p: null }, 'INVALID_TYPE', 'top_p'],
    ['an unknown field', { prompt: 'a', promt: 'b' }, 'INVALID_VALUE', 'promt'],
    ['an array', [], 'INVALID_TYPE', null],
    ['a string', 'text', 'INVALID_TYPE', null],
    ['null as a whole', null, 'INVALID_TYPE', null],
  ];
  test.each(cases)('%s', (_name, body, code, field) => {
    const refusal = refusalOf(() => check(body));
    expect([refusal.code, refusal.parts.field ?? null] as unknown[]).toEqual([code, field]);
  });

  test('the message and the details are those of the contract', () => {
    const refusal = refusalOf(() => check({ prompt: 'a', temperature: 3.5 }));
    expect(refusal.message).toBe('temperature must be between 0 and 2');
    expect(refusal.parts.details).toMatchObject({ min: 0, max: 2, received: 3.5 });
  });

  test('all mistakes are told, missing before wrong and then as documented', () => {
    const refusal = refusalOf(() => check({ zzz: 1, max_tokens: 0, temperature: 'warm' }));
    expect(refusal.parts.field).toBe('prompt');
    const errors = refusal.parts.details?.['errors'] as { field: string; code: string }[];
    expect(errors.map(({ field, code }) => `${field} ${code}`)).toEqual([
      'prompt MISSING_REQUIRED_FIELD',
      'temperature INVALID_TYPE',
      'max_tokens INVALID_VALUE',
      'zzz INVALID_VALUE',
    ]);
  });

  test('a thousand characters of two halves each are a thousand characters', () => {
    expect(check({ prompt: '🦜'.repeat(1000) })).toEqual({ prompt: '🦜'.repeat(1000) });
  });
});

test('nested fields are named by their path', () => {
  const nested = checker(z.strictObject({ requests: z.array(z.strictObject({ body: z.strictObject({ messages: z.array(z.string()) }) })) }), 'body');
  const refusal = refusalOf(() => nested({ requests: [{ body: { messages: ['a'] } }, { body: {} }] }));
  expect(refusal.parts.field).toBe('requests[1].body.messages');
});

test('a union reports the branch that was meant', () => {
  const stop = checker(z.strictObject({ stop: z.union([z.string(), z.array(z.string()).max(2)]).optional() }), 'body');
  expect(refusalOf(() => stop({ stop: ['a', 'b', 'c'] })).code).toBe('INVALID_VALUE');
  expect(refusalOf(() => stop({ stop: 5 })).code).toBe('INVALID_TYPE');
});

describe('a query', () => {
  const query = queryChecker(z.strictObject({ stream: z.boolean().optional(), limit: z.int().min(1).max(100).default(20) }));
  test('its words become what the schema wants', () => {
    expect(query('stream=1&limit=5')).toEqual({ stream: true, limit: 5 });
    expect(query('stream=false')).toEqual({ stream: false, limit: 20 });
    expect(query('')).toEqual({ limit: 20 });
  });
  test('a number may be written with an exponent', () => {
    const cost = queryChecker(z.strictObject({ min: z.number() }));
    expect(cost(`min=${String(1e-7)}`)).toEqual({ min: 1e-7 });
    expect(refusalOf(() => cost('min=1e999')).parts.field).toBe('min');
  });
  const cases: [string, string, string][] = [
    ['stream=maybe', 'INVALID_TYPE', 'stream'],
    ['stream=', 'INVALID_TYPE', 'stream'],
    ['limit=ten', 'INVALID_TYPE', 'limit'],
    ['limit=1.5', 'INVALID_TYPE', 'limit'],
    ['limit=0', 'INVALID_VALUE', 'limit'],
    ['strem=true', 'INVALID_VALUE', 'strem'],
    ['stream=true&stream=true', 'INVALID_VALUE', 'stream'],
    ['__proto__=1', 'INVALID_VALUE', '__proto__'],
  ];
  test.each(cases)('%s is refused', (text, code, field) => {
    const refusal = refusalOf(() => query(text));
    expect([refusal.code, refusal.parts.field] as unknown[]).toEqual([code, field]);
  });
});
