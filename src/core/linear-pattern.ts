import { PatternError, type PatternNode, type Ranges, type Syntax } from './pattern-syntax.ts';

export type Pattern = Syntax & {
  /** What the characters alone cannot tell, such as a check digit. */
  readonly verify?: ((text: string) => boolean) | undefined;
};
export type Match = { readonly pattern: number; readonly from: number; readonly to: number };
/** The first place at or after `from` that one of the patterns fits, and there the longest. */
export type Finder = (text: string, from: number) => Match | null;

/** A place of the patterns: it takes a character and goes on at `to`, or, without ranges, is all of `also` at once; `accepts` is the end of a pattern. */
type Place = { readonly ranges: Ranges | null; readonly to: number; readonly also: readonly number[]; readonly accepts: number | null };

const PLACES_MAX = 20_000;
const STATES_MAX = 5000;
const CODES = 0x1_0000;
/** A text that goes on like the beginning of a pattern for longer is none: this bounds what each character of a text can cost. */
const PARTIAL_MAX = 128;

/**
 * Looks for all patterns at once, in time that grows with the length of the text alone, whatever the patterns: it follows all ways at once instead of
 * trying one after the other, as regular expressions of the language do.
 */
export function createFinder(patterns: readonly Pattern[]): Finder {
  const automaton = createAutomaton(patterns);
  return (text, begin) => {
    for (let from = begin; from < text.length; from++) {
      let state = automaton.start(isEdge(text, from));
      let found: Match | null = null;
      let until = from + PARTIAL_MAX;
      for (let at = from; at < text.length && at < until;) {
        state = automaton.step(state, text.charCodeAt(at));
        if (state === DEAD) break;
        at++;
        const pattern = automaton.accepts(state)?.find((id) => fits(patterns[id], { text, from, to: at }));
        if (pattern === undefined) continue;
        found = { pattern, from, to: at };
        until = at + PARTIAL_MAX;
      }
      if (found) return found;
    }
    return null;
  };
}

type Automaton = {
  readonly start: (atEdge: boolean) => number;
  readonly step: (state: number, code: number) => number;
  /** The patterns that end here; null for none. */
  readonly accepts: (state: number) => readonly number[] | null;
};

/** The state of being nowhere. Those after it stand for sets of places; the first two are the beginnings. */
const DEAD = 0;
const AT_EDGE = 1;
const INSIDE = 2;
const UNKNOWN = -1;

/** States are made as they are come upon, and all forgotten when they are too many. */
function createAutomaton(patterns: readonly Pattern[]): Automaton {
  const { places, starts } = layOut(patterns);
  const { classes, count } = classify(places);
  const table = new Int32Array((STATES_MAX + 1) * count);
  const states = createStates(places);
  const begin = (): void => {
    table.fill(UNKNOWN);
    states.clear();
    states.numberOf([]);
    states.add(starts);
    states.add(starts.filter((_, pattern) => !patterns[pattern]?.beginsAtEdge));
  };
  const make = (state: number, code: number): number => {
    const ids = states.placesOf(state).flatMap((id) => (takes(places[id]?.ranges ?? null, code) ? [places[id]?.to ?? 0] : []));
    if (states.count() >= STATES_MAX) {
      begin();
      return states.numberOf(ids);
    }
    const next = states.numberOf(ids);
    table[state * count + (classes[code] ?? 0)] = next;
    return next;
  };
  begin();
  return {
    start: (atEdge) => (atEdge ? AT_EDGE : INSIDE),
    step(state, code) {
      const next = table[state * count + (classes[code] ?? 0)] ?? UNKNOWN;
      return next === UNKNOWN ? make(state, code) : next;
    },
    accepts: states.acceptedBy,
  };
}

type States = {
  /** The state of being at these places; a new one where there is none. */
  readonly numberOf: (ids: readonly number[]) => number;
  /** A new one, whether or not there is one. */
  readonly add: (ids: readonly number[]) => number;
  readonly placesOf: (state: number) => readonly number[];
  readonly acceptedBy: (state: number) => readonly number[] | null;
  readonly count: () => number;
  readonly clear: () => void;
};

function createStates(places: readonly Place[]): States {
  const numbers = new Map<string, number>();
  const sets: (readonly number[])[] = [];
  const ends: (readonly number[] | null)[] = [];
  const append = (set: readonly number[]): number => {
    const accepted = set.flatMap((id) => places[id]?.accepts ?? []);
    ends.push(accepted.length === 0 ? null : accepted);
    return sets.push(set) - 1;
  };
  return {
    numberOf(ids) {
      const set = closure(places, ids);
      const key = set.join(',');
      const known = numbers.get(key);
      if (known !== undefined) return known;
      const number = append(set);
      numbers.set(key, number);
      return number;
    },
    add: (ids) => append(closure(places, ids)),
    placesOf: (state) => sets[state] ?? [],
    acceptedBy: (state) => ends[state] ?? null,
    count: () => sets.length,
    clear() {
      numbers.clear();
      sets.length = 0;
      ends.length = 0;
    },
  };
}

function fits(pattern: Pattern | undefined, { text, from, to }: { readonly text: string; readonly from: number; readonly to: number }): boolean {
  if (!pattern || (pattern.endsAtEdge && !isEdge(text, to))) return false;
  return pattern.verify?.(text.slice(from, to)) ?? true;
}

/** Where a word begins or ends. */
function isEdge(text: string, at: number): boolean {
  return isWord(text.charCodeAt(at - 1)) !== isWord(text.charCodeAt(at));
}

function isWord(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);
}

function layOut(patterns: readonly Pattern[]): { readonly places: readonly Place[]; readonly starts: readonly number[] } {
  const places: Place[] = [];
  const add = (place: Partial<Place>): number => {
    if (places.length >= PLACES_MAX) throw new PatternError('repeats too much');
    return places.push({ ranges: null, to: 0, also: [], accepts: null, ...place }) - 1;
  };
  /** Where to begin in order to read `node` and go on at `next`. */
  const build = (node: PatternNode, next: number): number => {
    switch (node.kind) {
      case 'characters':
        return add({ ranges: node.ranges, to: next });
      case 'sequence':
        return node.parts.reduceRight((after, part) => build(part, after), next);
      case 'choice':
        return add({ also: node.parts.map((part) => build(part, next)) });
      case 'repeat':
        return repeat(node, next);
      default:
        return node satisfies never;
    }
  };
  const repeat = ({ part, min, max }: Extract<PatternNode, { kind: 'repeat' }>, next: number): number => {
    let after = next;
    if (max === Number.POSITIVE_INFINITY) {
      const again: number[] = [];
      after = add({ also: again });
      again.push(build(part, after), next);
    } else {
      for (let more = max - min; more > 0; more--) after = add({ also: [build(part, after), next] });
    }
    for (let least = min; least > 0; least--) after = build(part, after);
    return after;
  };
  const starts = patterns.map(({ node }, pattern) => build(node, add({ accepts: pattern })));
  return { places, starts };
}

/** Characters that no pattern tells apart are one class. */
function classify(places: readonly Place[]): { readonly classes: Uint16Array; readonly count: number } {
  const bounds = new Set(places.flatMap(({ ranges }) => ranges?.flatMap(([from, to]) => [from, to + 1]) ?? []));
  const classes = new Uint16Array(CODES);
  let current = 0;
  for (let code = 0; code < CODES; code++) {
    if (bounds.has(code)) current++;
    classes[code] = current;
  }
  return { classes, count: current + 1 };
}

function takes(ranges: Ranges | null, code: number): boolean {
  return ranges?.some(([from, to]) => code >= from && code <= to) ?? false;
}

/** The places that one is at without taking a character, in order. */
function closure(places: readonly Place[], ids: readonly number[]): number[] {
  const reached = new Set<number>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    open.push(...(places[id]?.also ?? []));
  }
  return [...reached].toSorted((a, b) => a - b);
}
