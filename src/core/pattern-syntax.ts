/** What a pattern says, as a tree. Characters are UTF-16 code units, in ranges that include both ends. */
export type Ranges = readonly (readonly [from: number, to: number])[];
export type PatternNode =
  | { readonly kind: 'characters'; readonly ranges: Ranges }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly part: PatternNode; readonly min: number; readonly max: number };
export type Syntax = {
  readonly node: PatternNode;
  /** Whether it fits only where a word begins or ends. */
  readonly beginsAtEdge: boolean;
  readonly endsAtEdge: boolean;
};

export class PatternError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PatternError';
  }
}

const LENGTH_MAX = 500;
const TIMES_MAX = 1000;

/**
 * Reads the part of regular expressions that is matched in one reading of a text: characters, classes, groups, `|`, `?`, `*`, `+` and `{n,m}`, with
 * `\b` at the ends and `(?i)` in front. What would have to look ahead, look back or remember is refused by name.
 */
export function parsePattern(source: string): Syntax {
  if (source.length > LENGTH_MAX) throw new PatternError(`must have at most ${LENGTH_MAX} characters`);
  const ignoreCase = source.startsWith('(?i)');
  let text = ignoreCase ? source.slice('(?i)'.length) : source;
  const beginsAtEdge = text.startsWith('\\b');
  if (beginsAtEdge) text = text.slice(2);
  const endsAtEdge = /(?:^|[^\\])(?:\\\\)*\\b$/.test(text);
  if (endsAtEdge) text = text.slice(0, -2);
  const reader: Reader = { text, at: 0, ignoreCase };
  const node = readChoice(reader);
  if (reader.at < text.length) throw new PatternError('has a `)` without its `(`');
  if (leastLength(node) === 0) throw new PatternError('must not fit the empty text');
  return { node, beginsAtEdge, endsAtEdge };
}

type Reader = { readonly text: string; at: number; readonly ignoreCase: boolean };

function readChoice(reader: Reader): PatternNode {
  const parts = [readSequence(reader)];
  while (reader.text[reader.at] === '|') {
    reader.at++;
    parts.push(readSequence(reader));
  }
  return parts.length === 1 && parts[0] ? parts[0] : { kind: 'choice', parts };
}

function readSequence(reader: Reader): PatternNode {
  const parts: PatternNode[] = [];
  while (reader.at < reader.text.length && !'|)'.includes(reader.text[reader.at] ?? '')) parts.push(readRepeated(reader));
  return { kind: 'sequence', parts };
}

function readRepeated(reader: Reader): PatternNode {
  const part = readAtom(reader);
  const times = readTimes(reader);
  if (times === null) return part;
  if (readTimes(reader) !== null) throw new PatternError('repeats a repetition: put the inner one into `( )`');
  return { kind: 'repeat', part, ...times };
}

const TIMES = /\{(\d{1,4})(,(\d{0,4}))?\}/y;
const SIGNS: Readonly<Record<string, { readonly min: number; readonly max: number }>> = {
  '?': { min: 0, max: 1 },
  '*': { min: 0, max: Number.POSITIVE_INFINITY },
  '+': { min: 1, max: Number.POSITIVE_INFINITY },
};

function readTimes(reader: Reader): { readonly min: number; readonly max: number } | null {
  const sign = SIGNS[reader.text[reader.at] ?? ''];
  if (sign) {
    reader.at++;
    return sign;
  }
  if (reader.text[reader.at] !== '{') return null;
  TIMES.lastIndex = reader.at;
  const [whole, least = '', comma, most = ''] = TIMES.exec(reader.text) ?? [];
  if (whole === undefined) throw new PatternError('has a `{` that begins no number of times: write `\\{` for the character');
  reader.at += whole.length;
  const min = Number(least);
  const max = comma === undefined ? min : most === '' ? Number.POSITIVE_INFINITY : Number(most);
  if (min > max || min > TIMES_MAX || (max !== Number.POSITIVE_INFINITY && max > TIMES_MAX)) {
    throw new PatternError(`repeats ${whole}: at most ${TIMES_MAX} times, the smaller number first`);
  }
  return { min, max };
}

function readAtom(reader: Reader): PatternNode {
  const sign = reader.text[reader.at] ?? '';
  if (sign === '(') return readGroup(reader);
  if (sign === '[') return characters(reader, readClass(reader));
  if (sign === '\\') return characters(reader, readEscape(reader));
  if ('*+?{'.includes(sign)) throw new PatternError(`has a \`${sign}\` that repeats nothing: write \`\\${sign}\` for the character`);
  if ('^$'.includes(sign)) throw new PatternError(`has a \`${sign}\`: a pattern is looked for everywhere; write \`\\${sign}\` for the character`);
  reader.at++;
  return characters(reader, sign === '.' ? ANY : one(sign));
}

function readGroup(reader: Reader): PatternNode {
  reader.at++;
  if (reader.text.startsWith('?:', reader.at)) reader.at += 2;
  else if (reader.text[reader.at] === '?') throw new PatternError('looks ahead, looks back or names a group with `(?`, which only `(?:` may do');
  const node = readChoice(reader);
  if (reader.text[reader.at] !== ')') throw new PatternError('has a `(` without its `)`');
  reader.at++;
  return node;
}

function readClass(reader: Reader): Ranges {
  reader.at++;
  const negated = reader.text[reader.at] === '^';
  if (negated) reader.at++;
  const ranges: (readonly [number, number])[] = [];
  while (reader.text[reader.at] !== ']') {
    if (reader.at >= reader.text.length) throw new PatternError('has a `[` without its `]`');
    const first = readMember(reader);
    const [from] = first[0] ?? [0];
    const isRange = first.length === 1 && reader.text[reader.at] === '-' && reader.text[reader.at + 1] !== ']' && reader.at + 1 < reader.text.length;
    if (!isRange) {
      ranges.push(...first);
      continue;
    }
    reader.at++;
    const [, to] = readMember(reader)[0] ?? [0, 0];
    if (to < from) throw new PatternError('has a range in `[ ]` that ends before it begins');
    ranges.push([from, to]);
  }
  reader.at++;
  return negated ? without(withCases(ranges, reader)) : ranges;
}

function readMember(reader: Reader): Ranges {
  if (reader.text[reader.at] === '\\') return readEscape(reader);
  return one(reader.text[reader.at++] ?? '');
}

function readEscape(reader: Reader): Ranges {
  const sign = reader.text[reader.at + 1] ?? '';
  reader.at += 2;
  const known = CLASSES[sign];
  if (known) return known;
  if (/\d/.test(sign)) throw new PatternError(`refers back with \`\\${sign}\``);
  if (sign === '' || /[A-Za-z]/.test(sign)) throw new PatternError(`has a \`\\${sign}\`, which means nothing here`);
  return one(sign);
}

const CODE_LAST = 0xffff;
const DIGITS: Ranges = [[48, 57]];
const WORDS: Ranges = [...DIGITS, [65, 90], [95, 95], [97, 122]];
const SPACES: Ranges = [
  [9, 13],
  [32, 32],
  [160, 160],
  [0x2028, 0x2029],
];
const ANY = without([[10, 10]]);
const CLASSES: Readonly<Record<string, Ranges>> = {
  d: DIGITS,
  D: without(DIGITS),
  w: WORDS,
  W: without(WORDS),
  s: SPACES,
  S: without(SPACES),
  n: one('\n'),
  r: one('\r'),
  t: one('\t'),
};

function characters(reader: Reader, ranges: Ranges): PatternNode {
  return { kind: 'characters', ranges: withCases(ranges, reader) };
}

function withCases(ranges: Ranges, { ignoreCase }: Reader): Ranges {
  if (!ignoreCase) return ranges;
  const moved = (low: number, high: number, by: number): Ranges =>
    ranges.flatMap(([from, to]) => (to < low || from > high ? [] : [[Math.max(from, low) + by, Math.min(to, high) + by] as const]));
  return [...ranges, ...moved(65, 90, 32), ...moved(97, 122, -32)];
}

function one(sign: string): Ranges {
  const code = sign.charCodeAt(0);
  return [[code, code]];
}

function without(ranges: Ranges): Ranges {
  const left: (readonly [number, number])[] = [];
  let next = 0;
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (from > next) left.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  return next > CODE_LAST ? left : [...left, [next, CODE_LAST]];
}

function leastLength(node: PatternNode): number {
  switch (node.kind) {
    case 'characters':
      return 1;
    case 'sequence':
      return node.parts.reduce((sum, part) => sum + leastLength(part), 0);
    case 'choice':
      return Math.min(...node.parts.map(leastLength));
    case 'repeat':
      return node.min * leastLength(node.part);
    default:
      return node satisfies never;
  }
}
