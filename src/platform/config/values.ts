import type { Rate, SettingRow } from '../../contract/settings.ts';

export type ParsedValue = { readonly value: unknown } | { readonly message: string; readonly hint?: string };

/** What a setting's text means, by its kind; or what is wrong with it. */
export function parseValue(row: SettingRow, text: string): ParsedValue {
  switch (row.kind) {
    case 'text':
    case 'secret':
      return { value: text };
    case 'integer':
    case 'number':
      return parseNumber(row, text);
    case 'boolean':
      return parseBoolean(text);
    case 'rate':
      return parseRate(text);
    case 'list':
      return { value: listOf(text) };
    case 'environment':
      return parseWord(text, ENVIRONMENTS, '`development` or `production`');
    case 'log_level':
      return parseWord(text, LOG_LEVELS, '`DEBUG`, `INFO`, `WARNING` or `ERROR`');
    case 'url':
      return parseUrl(text);
    default:
      return row.kind satisfies never;
  }
}

const ENVIRONMENTS = new Map(Object.entries({ development: 'development', dev: 'development', production: 'production', prod: 'production' }));
const LOG_LEVELS = new Map(Object.entries({ debug: 'debug', info: 'info', warning: 'warning', warn: 'warning', error: 'error', critical: 'error' }));
const BOOLEANS = new Map(Object.entries({ true: true, 1: true, yes: true, on: true, false: false, 0: false, no: false, off: false }));

function parseWord(text: string, words: ReadonlyMap<string, string>, wanted: string): ParsedValue {
  const value = words.get(text.toLowerCase());
  return value === undefined ? { message: `must be ${wanted}, not ${quoted(text)}` } : { value };
}

function parseBoolean(text: string): ParsedValue {
  const value = BOOLEANS.get(text.toLowerCase());
  return value === undefined
    ? { message: `must be \`true\` or \`false\`, not ${quoted(text)}`, hint: '`1`, `0`, `yes`, `no`, `on` and `off` do too.' }
    : { value };
}

function parseNumber(row: SettingRow, text: string): ParsedValue {
  const pattern = row.kind === 'integer' ? /^[+-]?\d{1,15}$/ : /^[+-]?(\d+\.?\d*|\.\d+)$/;
  const value = Number(text);
  const inside = value >= (row.min ?? -Infinity) && value <= (row.max ?? Infinity);
  if (pattern.test(text) && inside) return { value };
  return { message: `must be ${row.kind === 'integer' ? 'a whole number' : 'a number'}${rangeWords(row)}, not ${quoted(text)}` };
}

function rangeWords({ min, max }: SettingRow): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  return min === undefined ? '' : `, ${min} or more`;
}

const UNITS = new Map(
  Object.entries<readonly [unit: string, ms: number]>({
    s: ['second', 1000],
    sec: ['second', 1000],
    second: ['second', 1000],
    m: ['minute', 60_000],
    min: ['minute', 60_000],
    minute: ['minute', 60_000],
    h: ['hour', 3_600_000],
    hour: ['hour', 3_600_000],
    d: ['day', 86_400_000],
    day: ['day', 86_400_000],
  }),
);
const WINDOW_MAX_MS = 31 * 86_400_000;

function parseRate(text: string): ParsedValue {
  if (text.toLowerCase() === 'off') return { value: null };
  const [, limitText, countText = '1', unitText] = /^(\d{1,9})\s*(?:\/|per)\s*(\d{1,9})?\s*([a-z]+)$/i.exec(text) ?? [];
  const unitWord = unitText?.toLowerCase() ?? '';
  const [unit, unitMs] = UNITS.get(unitWord) ?? UNITS.get(unitWord.replace(/s$/, '')) ?? [];
  const limit = Number(limitText);
  const count = Number(countText);
  const windowMs = count * (unitMs ?? 0);
  if (unit === undefined || !(limit > 0) || !(windowMs > 0 && windowMs <= WINDOW_MAX_MS)) {
    return {
      message: `must be a rate such as \`10/minute\`, or \`off\`, not ${quoted(text)}`,
      hint: 'Also `100/10 seconds` or `100 per 10 minutes`; at most 31 days.',
    };
  }
  const rate: Rate = { limit, windowMs, words: `${limit} per ${count} ${unit}${count === 1 ? '' : 's'}` };
  return { value: rate };
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function parseUrl(text: string): ParsedValue {
  const url = URL.parse(text);
  const wrong = url === null ? `is not an address` : `must not start with \`${url.protocol}\``;
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    // The text is not repeated: an address may hold a password.
    return { message: `${wrong}; it must start with \`http://\` or \`https://\`` };
  }
  return { value: text.replace(/\/+$/, '') };
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
