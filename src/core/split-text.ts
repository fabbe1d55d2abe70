/** How large a text is, in whatever a model counts. Additive enough that the parts of a text are no larger together than twice the whole. */
export type Measure = (text: string) => number;

// Each pattern matches where one part may end and the next begin, the best first. All run in linear time: none can match a run of characters in two ways.
const BORDERS: readonly RegExp[] = [/\n[^\S\n]*\n\s*/g, /\n\s*/g, /(?<=[.!?…]["'”’»)\]]?)\s+|(?<=[。！？])/g, /\s+/g];

/** The text in parts of at most `max`, cut at paragraphs, else lines, sentences, words, characters. Joined, they are the text. */
export function splitText(text: string, max: number, measure: Measure): string[] {
  if (measure(text) <= max) return [text];
  return pack(text, { max, measure, level: 0 });
}

type Packing = { readonly max: number; readonly measure: Measure; readonly level: number };

function pack(text: string, packing: Packing): string[] {
  const { max, measure, level } = packing;
  const border = BORDERS[level];
  if (border === undefined) return cutHard(text, max, measure);
  const parts: string[] = [];
  let part = '';
  let size = 0;
  for (const atom of atoms(text, border)) {
    const atomSize = measure(atom);
    if (part !== '' && size + atomSize > max) {
      parts.push(part);
      part = '';
      size = 0;
    }
    if (atomSize > max) {
      parts.push(...pack(atom, { max, measure, level: level + 1 }));
      continue;
    }
    part += atom;
    size += atomSize;
  }
  if (part !== '') parts.push(part);
  return parts;
}

/** The border stays at the end of what it ends. */
function* atoms(text: string, border: RegExp): Iterable<string> {
  let from = 0;
  for (const match of text.matchAll(border)) {
    const to = match.index + match[0].length;
    if (to === from) continue;
    yield text.slice(from, to);
    from = to;
  }
  if (from < text.length) yield text.slice(from);
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
// Longer than any character that people write, short enough to look at again for every cut.
const GRAPHEME_CHARS_MAX = 64;

function cutHard(text: string, max: number, measure: Measure): string[] {
  const parts: string[] = [];
  let rest = text;
  let guess = text.length;
  while (rest !== '') {
    const end = characterBorder(rest, largestPrefix(rest, guess, max, measure));
    parts.push(rest.slice(0, end));
    rest = rest.slice(end);
    guess = end * 2;
  }
  return parts;
}

/** The length of the longest beginning that is not too large, found by halving; 1 at least. `guess` bounds the search. */
function largestPrefix(text: string, guess: number, max: number, measure: Measure): number {
  let low = 1;
  let high = Math.min(text.length, Math.max(2, guess));
  while (high < text.length && measure(text.slice(0, high)) <= max) {
    low = high;
    high = Math.min(text.length, high * 2);
  }
  if (measure(text.slice(0, high)) <= max) return high;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (measure(text.slice(0, middle)) <= max) low = middle;
    else high = middle;
  }
  return low;
}

/** At or before `end`, where no character is cut; after it where the first character is longer than that. */
function characterBorder(text: string, end: number): number {
  if (end >= text.length) return text.length;
  const from = Math.max(0, end - GRAPHEME_CHARS_MAX);
  const cut = graphemes.segment(text.slice(from, end + GRAPHEME_CHARS_MAX)).containing(end - from);
  const border = from + (cut?.index ?? end - from);
  if (border > 0 && !isInsidePair(text, border)) return border;
  return isInsidePair(text, end) ? end + 1 : end;
}

function isInsidePair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}

/** A part without the white space around it, so that a model need not repeat it and it comes out as it went in. */
export type Framed = { readonly before: string; readonly body: string; readonly after: string };

export function framed(part: string): Framed {
  const body = part.trim();
  if (body === '') return { before: part, body, after: '' };
  const start = part.length - part.trimStart().length;
  return { before: part.slice(0, start), body, after: part.slice(start + body.length) };
}
