import { describe, expect, test } from 'bun:test';
import { SETTINGS, type SettingKind, type SettingRow } from '../../contract/settings.ts';
import { parseValue } from './values.ts';

function parse(kind: SettingKind, text: string, more: Partial<SettingRow> = {}): unknown {
  const parsed = parseValue({ env: 'X', kind, default: null, doc: '', ...more }, text);
  return 'value' in parsed ? parsed.value : parsed.message;
}

describe('a rate', () => {
  const rates: [string, number, number, string][] = [
    ['10/minute', 10, 60_000, '10 per 1 minute'],
    ['10 per minute', 10, 60_000, '10 per 1 minute'],
    ['10/1 minute', 10, 60_000, '10 per 1 minute'],
    ['100/10 seconds', 100, 10_000, '100 per 10 seconds'],
    ['100 per 10 minutes', 100, 600_000, '100 per 10 minutes'],
    ['5/s', 5, 1000, '5 per 1 second'],
    ['7 / 2h', 7, 7_200_000, '7 per 2 hours'],
    ['1/DAY', 1, 86_400_000, '1 per 1 day'],
  ];
  test.each(rates)('%j is understood', (text, limit, windowMs, words) => {
    expect(parse('rate', text)).toEqual({ limit, windowMs, words });
  });

  test('is off by name', () => {
    expect(parse('rate', 'OFF')).toBeNull();
  });

  test.each(['10', '10/', '0/minute', '-1/minute', '10/fortnight', '1.5/minute', '10/0 minutes', '10/32 days', '/minute', '10/constructor'])(
    '%j is refused',
    (text) => {
      expect(parse('rate', text)).toStartWith('must be a rate such as `10/minute`');
    },
  );
});

describe('a boolean', () => {
  test.each(['true', '1', 'yes', 'on', 'TRUE', 'Yes'])('%j is true', (text) => expect(parse('boolean', text)).toBe(true));
  test.each(['false', '0', 'no', 'off', 'Off'])('%j is false', (text) => expect(parse('boolean', text)).toBe(false));
  test.each(['2', 'y', 'ja', 'constructor'])('%j is neither', (text) => expect(parse('boolean', text)).toStartWith('must be `true` or `false`'));
});

describe('a number', () => {
  test.each([
    ['0', 0],
    ['2', 2],
    ['0.7', 0.7],
    ['.5', 0.5],
  ])('%j is read', (text, value) => expect(parse('number', text, { min: 0, max: 2 })).toBe(value));
  test.each(['2.1', '-1', 'NaN', 'Infinity', '1e999', '0x1', '1,5', 'one'])('%j is refused', (text) => {
    expect(parse('number', text, { min: 0, max: 2 })).toBe(`must be a number from 0 to 2, not "${text}"`);
  });
  test.each(['1.0', '1e3', '12345678901234567890'])('%j is no whole number', (text) => {
    expect(parse('integer', text, { min: 0 })).toBe(`must be a whole number, 0 or more, not "${text}"`);
  });
});

test('words are read whatever their case', () => {
  expect(['dev', 'Production', 'PROD'].map((text) => parse('environment', text))).toEqual(['development', 'production', 'production']);
  expect(['DEBUG', 'info', 'warn', 'Warning', 'critical'].map((text) => parse('log_level', text))).toEqual(['debug', 'info', 'warning', 'warning', 'error']);
});

test('an address is http or https, and loses its last slash', () => {
  expect(parse('url', 'https://api.example/v1/')).toBe('https://api.example/v1');
  for (const text of ['file:///etc/passwd', 'localhost:8000', 'api.example', 'http://']) expect(parse('url', text)).toContain('must start with `http://`');
});

test('every default is a value of its setting', () => {
  for (const row of Object.values(SETTINGS) as SettingRow[]) {
    if (row.default !== null) expect(parseValue(row, row.default)).toHaveProperty('value');
  }
});
