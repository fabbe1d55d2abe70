import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';

export type Place = { readonly line: number; readonly column: number };
export type YamlProblem = { readonly place: Place; readonly message: string; readonly hint?: string };
export type YamlPath = readonly (string | number)[];

/** A YAML text as plain values, that still knows where each of them stood. */
export type YamlTree = {
  readonly value: unknown;
  readonly problems: readonly YamlProblem[];
  /** Where the value at a path stands; where it is missing, the nearest thing around it. */
  readonly placeOf: (path: YamlPath) => Place;
  readonly keyPlaceOf: (path: YamlPath) => Place;
  readonly has: (path: YamlPath) => boolean;
};

// A few lines of aliases can stand for gigabytes of values.
const VALUES_MAX = 50_000;
const START: Place = { line: 1, column: 1 };

type Reading = {
  readonly placeAt: (node: unknown) => Place;
  readonly resolve: (node: unknown) => unknown;
  readonly text: (text: string, place: Place) => string;
  readonly problems: YamlProblem[];
  readonly values: Map<string, Place>;
  readonly keys: Map<string, Place>;
  count: number;
};

/** `text` is called with every string value and answers what it stands for. */
export function readYamlTree(source: string, text: (value: string, place: Place) => string): YamlTree {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const reading: Reading = {
    placeAt: (node) => place((node as Node | null)?.range?.[0] ?? 0),
    resolve: (node) => (isAlias(node) ? node.resolve(document) : node),
    text,
    problems: [...document.errors, ...document.warnings].map((error) => ({ place: place(error.pos[0]), message: sentence(error.message) })),
    values: new Map(),
    keys: new Map(),
    count: 0,
  };
  const value = reading.problems.length === 0 ? plain(document.contents, [], reading) : null;
  const nearest = (path: YamlPath, ...maps: readonly ReadonlyMap<string, Place>[]): Place => {
    const found = maps.map((places) => places.get(keyOf(path))).find((one) => one !== undefined);
    return found ?? (path.length === 0 ? START : nearest(path.slice(0, -1), reading.keys, reading.values));
  };
  return {
    value,
    problems: reading.problems,
    placeOf: (path) => nearest(path, reading.values, reading.keys),
    keyPlaceOf: (path) => nearest(path, reading.keys, reading.values),
    has: (path) => reading.values.has(keyOf(path)),
  };
}

function plain(node: unknown, path: YamlPath, reading: Reading): unknown {
  const target = reading.resolve(node);
  const place = reading.placeAt(node);
  reading.values.set(keyOf(path), place);
  reading.count += 1;
  if (reading.count === VALUES_MAX) reading.problems.push({ place, message: `the file holds more than ${VALUES_MAX} values` });
  if (reading.count >= VALUES_MAX) return null;
  if (isMap(target)) return plainMap(target.items, path, reading);
  if (isSeq(target)) return target.items.map((item, index) => plain(item, [...path, index], reading));
  if (isScalar(target)) return typeof target.value === 'string' ? reading.text(target.value, place) : target.value;
  if (isAlias(node)) reading.problems.push({ place, message: `\`*${node.source}\` names an anchor that does not stand before it` });
  return null;
}

function plainMap(pairs: readonly Pair[], path: YamlPath, reading: Reading): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const pair of pairs) {
    const key = reading.resolve(pair.key);
    const place = reading.placeAt(pair.key);
    if (!isScalar(key) || key.value === '__proto__') {
      reading.problems.push({ place, message: isScalar(key) ? '`__proto__` cannot be a key' : 'a key must be plain text' });
      continue;
    }
    const name = String(key.value);
    reading.keys.set(keyOf([...path, name]), place);
    result[name] = plain(pair.value, [...path, name], reading);
  }
  return result;
}

function keyOf(path: YamlPath): string {
  return JSON.stringify(path.map(String));
}

function sentence(message: string): string {
  return `this is not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
