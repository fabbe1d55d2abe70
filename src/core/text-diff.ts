/** What changed from one text to another, word by word. */
export type DiffPiece = { readonly op: 'same' | 'added' | 'removed'; readonly text: string };

// The search takes time and memory by the square of what differs; beyond this the differing middle is shown as replaced.
const EDITS_MAX = 500;

export function diffTexts(from: string, to: string): DiffPiece[] {
  if (from === to) return from === '' ? [] : [{ op: 'same', text: from }];
  const before = wordsOf(from);
  const after = wordsOf(to);
  const head = commonHead(before, after);
  const tail = commonTail(before, after, head);
  const pieces: DiffPiece[] = before.slice(0, head).map((text) => ({ op: 'same', text }));
  pieces.push(...diffMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)));
  for (const text of before.slice(before.length - tail)) pieces.push({ op: 'same', text });
  return joined(pieces);
}

/** Words, runs of white space on one line, line ends, and single other characters. */
function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}_]+|\n|[^\S\n]+|[^]/gu) ?? [];
}

function commonHead(before: readonly string[], after: readonly string[]): number {
  let count = 0;
  while (count < before.length && count < after.length && before[count] === after[count]) count += 1;
  return count;
}

function commonTail(before: readonly string[], after: readonly string[], head: number): number {
  const most = Math.min(before.length, after.length) - head;
  let count = 0;
  while (count < most && before[before.length - 1 - count] === after[after.length - 1 - count]) count += 1;
  return count;
}

/** Myers' shortest edit script (1986): furthest-reaching paths by number of edits, then the way back. */
function diffMiddle(before: readonly string[], after: readonly string[]): DiffPiece[] {
  const trace = searchTrace(before, after);
  if (trace === null) {
    return [
      { op: 'removed', text: before.join('') },
      { op: 'added', text: after.join('') },
    ];
  }
  const pieces: DiffPiece[] = [];
  let x = before.length;
  let y = after.length;
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const reached = trace[edits];
    const k = x - y;
    const down = k === -edits || (k !== edits && at(reached, k - 1) < at(reached, k + 1));
    const previousX = edits === 0 ? 0 : at(reached, down ? k + 1 : k - 1);
    const previousY = edits === 0 ? 0 : previousX - (down ? k + 1 : k - 1);
    const afterEditX = edits === 0 ? 0 : down ? previousX : previousX + 1;
    for (; x > afterEditX; x -= 1, y -= 1) pieces.push({ op: 'same', text: before[x - 1] ?? '' });
    if (edits > 0) pieces.push(down ? { op: 'added', text: after[previousY] ?? '' } : { op: 'removed', text: before[previousX] ?? '' });
    x = previousX;
    y = previousY;
  }
  return pieces.toReversed();
}

type Reached = ReadonlyMap<number, number>;

function at(reached: Reached | undefined, k: number): number {
  return reached?.get(k) ?? -1;
}

/** How far each diagonal had been reached before each number of edits; null when there are too many. */
function searchTrace(before: readonly string[], after: readonly string[]): Reached[] | null {
  const trace: Reached[] = [];
  let reached = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= EDITS_MAX; edits += 1) {
    trace.push(reached);
    const next = new Map<number, number>();
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && at(reached, k - 1) < at(reached, k + 1));
      let x = down ? at(reached, k + 1) : at(reached, k - 1) + 1;
      while (x < before.length && x - k < after.length && before[x] === after[x - k]) x += 1;
      next.set(k, x);
      if (x >= before.length && x - k >= after.length) return trace;
    }
    reached = next;
  }
  return null;
}

function joined(pieces: readonly DiffPiece[]): DiffPiece[] {
  const whole: { op: DiffPiece['op']; text: string }[] = [];
  for (const { op, text } of pieces) {
    const last = whole.at(-1);
    if (last?.op === op) last.text += text;
    else if (text !== '') whole.push({ op, text });
  }
  return whole;
}

export type ChangedValue = { readonly field: string; readonly from: unknown; readonly to: unknown };

/** The places where two JSON values differ, by path. */
export function diffValues(from: unknown, to: unknown, field: string): ChangedValue[] {
  if (isSame(from, to)) return [];
  if (!isObject(from) || !isObject(to)) return [{ field, from: from ?? null, to: to ?? null }];
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return names.flatMap((name) => diffValues(ownValue(from, name), ownValue(to, name), `${field}.${name}`));
}

function isSame(from: unknown, to: unknown): boolean {
  if (Array.isArray(from) && Array.isArray(to)) return from.length === to.length && from.every((item, index) => isSame(item, to[index]));
  if (!isObject(from) || !isObject(to)) return from === to;
  const names = Object.keys(from);
  return names.length === Object.keys(to).length && names.every((name) => Object.hasOwn(to, name) && isSame(from[name], to[name]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function ownValue(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
