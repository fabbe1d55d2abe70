import type { z } from 'zod';
import { ConfigFile, LongPromptPrice } from '../../contract/config-file.ts';
import { EMPTY_CONFIG_FILE } from '../../contract/empty-config-file.ts';
import { BoundedKey } from '../../contract/provider-keys.ts';
import { didYouMean } from '../../core/did-you-mean.ts';
import type { ConfigProblem } from './config-error.ts';
import { isVariable, misspeltVariable } from './misspelt.ts';
import { type Place, readYamlTree, type YamlPath, type YamlProblem, type YamlTree } from './yaml-tree.ts';

/** What sluice.config.yaml says. With problems, `file` is empty and `settings` is what could be read of it. */
export type YamlFile = {
  readonly file: ConfigFile;
  readonly settings: ReadonlyMap<string, { readonly value: string; readonly place: string }>;
  readonly problems: readonly ConfigProblem[];
  /** Keys that nothing reads, most of them misspelt: they are left out, and the rest counts. */
  readonly warnings: readonly string[];
  /** `sluice.config.yaml:12:5` for a value of the file. */
  readonly placeOf: (path: YamlPath) => string;
};

/** Reads the text of sluice.config.yaml. `lookup` answers what `${NAME}` stands for, or null. */
export function readYamlFile(source: string, name: string, lookup: (variable: string) => string | null): YamlFile {
  const missing: YamlProblem[] = [];
  const tree = readYamlTree(source, (text, place) => expand(text, lookup, (variable) => missing.push(missingVariable(variable, place))));
  const unknown: YamlProblem[] = [];
  const parsed = parseWithout(unknown, tree);
  const unread = tree.problems.length > 0;
  const settings = settingsOf(tree);
  const problems = [
    ...tree.problems,
    ...missing,
    ...(unread || parsed.success ? [] : parsed.error.issues.flatMap((issue) => issueProblems(issue, [], tree))),
    ...(settings.has('SLUICE_CONFIG') ? [ownName(tree)] : []),
  ].toSorted(byPlace);
  const warnings = [...unknown, ...[...settings.keys()].flatMap((variable) => unknownSetting(variable, tree))].toSorted(byPlace);
  const where = (place: Place): string => `${name}:${place.line}:${place.column}`;
  return {
    file: parsed.success && problems.length === 0 ? parsed.data : EMPTY_CONFIG_FILE,
    settings: new Map([...settings].map(([variable, value]) => [variable, { value, place: where(tree.placeOf(['settings', variable])) }])),
    problems: problems.map((problem) => placed(problem, where(problem.place))),
    warnings: unread ? [] : warnings.map(({ place, message, hint }) => `${where(place)}: ${message}. ${hint ?? ''}`.trimEnd()),
    placeOf: (path) => where(tree.placeOf(path)),
  };
}

function byPlace(left: YamlProblem, right: YamlProblem): number {
  return left.place.line - right.place.line || left.place.column - right.place.column;
}

/** Parses what the schema knows, and notes what it does not: a key more than it knows must not keep the service from starting. */
function parseWithout(unknown: YamlProblem[], tree: YamlTree): ReturnType<typeof ConfigFile.safeParse> {
  const value = structuredClone(tree.value ?? {});
  const first = ConfigFile.safeParse(value);
  if (first.success) return first;
  for (const issue of first.error.issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    const holder = path.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[String(part)], value);
    for (const key of issue.keys) {
      unknown.push(unknownKey(key, path, tree));
      delete (holder as Record<string, unknown>)[key];
    }
  }
  return unknown.length === 0 ? first : ConfigFile.safeParse(value);
}

function placed({ message, hint }: YamlProblem, where: string): ConfigProblem {
  return hint === undefined ? { where, message } : { where, message, hint };
}

/** `${NAME}` and `${NAME:-default}`; `$${` is a `${` of its own. */
function expand(text: string, lookup: (variable: string) => string | null, missing: (variable: string) => void): string {
  return text.replace(/\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g, (_, variable: string | undefined, otherwise: string | undefined) => {
    if (variable === undefined) return '${';
    const value = lookup(variable) ?? otherwise;
    if (value === undefined) missing(variable);
    return value ?? '';
  });
}

function missingVariable(variable: string, place: Place): YamlProblem {
  return {
    place,
    message: `\`\${${variable}}\` names a variable that is not set`,
    hint: `Set ${variable} in the environment or in .env, or ${variable}_FILE to a file that holds it.`,
  };
}

function settingsOf(tree: YamlTree): Map<string, string> {
  const settings = (tree.value as { readonly settings?: unknown } | null)?.settings;
  if (typeof settings !== 'object' || settings === null) return new Map();
  return new Map(Object.entries(settings).flatMap(([variable, value]) => (isPlain(value) ? [[variable, String(value)] as const] : [])));
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function ownName(tree: YamlTree): YamlProblem {
  const place = tree.keyPlaceOf(['settings', 'SLUICE_CONFIG']);
  return { place, message: '`SLUICE_CONFIG` names this file and cannot stand within it', hint: 'Set it in the environment.' };
}

function unknownSetting(variable: string, tree: YamlTree): YamlProblem[] {
  if (variable === 'SLUICE_CONFIG' || isVariable(variable)) return [];
  const meant = misspeltVariable(variable);
  const hint = meant === null ? 'docs/config.md lists all settings.' : `Did you mean \`${meant}\`?`;
  return [{ place: tree.keyPlaceOf(['settings', variable]), message: `unknown setting \`${variable}\``, hint }];
}

type Issue = z.core.$ZodIssue;

function issueProblems(issue: Issue, before: YamlPath, tree: YamlTree): YamlProblem[] {
  const path = [...before, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  const place = tree.placeOf(path);
  const name = path.join('.');
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, path, tree));
    case 'invalid_union':
      return unionProblems(issue.errors, path, tree);
    case 'invalid_key':
      return [{ place: tree.keyPlaceOf(path), message: `\`${name}\` is not a good name: ${issue.issues.map((part) => part.message).join('; ')}` }];
    case 'invalid_type':
      if (!tree.has(path)) return [{ place: tree.keyPlaceOf(path), message: `\`${name}\` is missing` }];
      return [{ place, message: `${name === '' ? 'the file' : `\`${name}\``} must be ${TYPES[issue.expected] ?? issue.expected}` }];
    case 'invalid_format':
      return [{ place, message: `\`${name}\` must be ${issue.format === 'url' ? 'an address that starts with `http://` or `https://`' : issue.message}` }];
    case 'invalid_value':
      return [{ place, message: `\`${name}\` must be ${issue.values.map((value) => `\`${String(value)}\``).join(' or ')}` }];
    case 'too_small':
      return [{ place, message: `\`${name}\` must be ${sizeWords(issue.origin, issue.minimum, issue.inclusive === false ? 'more than' : 'at least')}` }];
    case 'too_big':
      return [{ place, message: `\`${name}\` must be ${sizeWords(issue.origin, issue.maximum, 'at most')}` }];
    default:
      return [{ place, message: `\`${name}\`: ${issue.message}` }];
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a block of `key: value`',
  record: 'a block of `name: value`',
};

function sizeWords(origin: string, size: number | bigint, bound: string): string {
  if (origin === 'string') return `${bound} ${size} characters long`;
  return origin === 'array' ? `a list of ${bound} ${size}` : `${bound} ${size}`;
}

function unknownKey(key: string, path: YamlPath, tree: YamlTree): YamlProblem {
  const known = keysAt(path);
  const meant = didYouMean(key, known);
  const message = `unknown key \`${[...path, key].join('.')}\``;
  const hint = meant === null ? `Known here: ${known.join(', ')}.` : `Did you mean \`${meant}\`?`;
  return { place: tree.keyPlaceOf([...path, key]), message, hint };
}

/** The keys that the schema knows at a place. */
function keysAt(path: YamlPath): readonly string[] {
  const [section, , list] = path;
  if (section === undefined) return Object.keys(ConfigFile.shape);
  if (section === 'providers') return Object.keys(list === 'api_keys' ? BoundedKey.shape : ConfigFile.shape.providers.unwrap().valueType.shape);
  if (section === 'prices') return Object.keys(list === 'above' ? LongPromptPrice.shape : ConfigFile.shape.prices.unwrap().valueType.shape);
  if (section === 'privacy') return path.length === 1 ? Object.keys(ConfigFile.shape.privacy.unwrap().shape) : ['name', 'pattern'];
  if (section === 'retention') return Object.keys(ConfigFile.shape.retention.unwrap().shape);
  return list === 'targets' ? ['model', 'weight'] : Object.keys(ConfigFile.shape.models.unwrap().valueType.shape);
}

/** The branch of a union that the value comes nearest to: one that accepts its type. */
function unionProblems(branches: readonly (readonly Issue[])[], path: YamlPath, tree: YamlTree): YamlProblem[] {
  const near = branches.find((issues) => !issues.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0));
  if (near !== undefined) return near.flatMap((issue) => issueProblems(issue, path, tree));
  const wanted = branches.flatMap((issues) => issues.flatMap((issue) => (issue.code === 'invalid_type' ? [TYPES[issue.expected] ?? issue.expected] : [])));
  return [{ place: tree.placeOf(path), message: `\`${path.join('.')}\` must be ${wanted.join(' or ')}` }];
}
