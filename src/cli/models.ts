import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KNOWN_MODELS, type KnownModel } from '../contract/known-models.ts';
import { assertConfirmed } from './administration.ts';
import { CommandError } from './command-error.ts';
import type { ModelLook, ModelShelf } from './command-group.ts';
import { printJson } from './output.ts';
import { table } from './table.ts';

export const EXTENSION = '.gguf';
/** What was fetched so far of a file, and from what. */
export const [PART, PART_MARK] = ['.part', '.part.json'];

type Row = {
  readonly name: string;
  readonly state: 'served' | 'here' | 'partly here' | 'can be had' | 'unusable';
  readonly bytes: number;
  readonly makes: 'text' | 'vectors' | null;
  readonly context_tokens: number | null;
  readonly license: string | null;
  readonly source: string | null;
  readonly problem: string | null;
};

export function listModels(shelf: ModelShelf, json: boolean): void {
  const rows = [...namesHere(shelf), ...KNOWN_MODELS.map(({ name }) => name)];
  const data = [...new Set(rows)].map((name) => rowOf(shelf, name));
  if (json) printJson({ data, has_more: false, next_cursor: null });
  else {
    const text = table(data, [
      ['NAME', ({ name }) => name],
      ['STATE', ({ state }) => state],
      ['SIZE', ({ bytes }) => sizeText(bytes)],
      ['MAKES', ({ makes }) => makes ?? ''],
      ['CONTEXT', (row) => (row.context_tokens === null ? '' : String(row.context_tokens))],
      ['LICENCE', ({ license }) => license ?? ''],
      ['SOURCE', ({ source }) => source ?? ''],
    ]);
    process.stdout.write(text);
    for (const { name, problem } of data) if (problem !== null) process.stderr.write(`${name}: ${problem}\n`);
  }
}

export function showModel(shelf: ModelShelf, name: string, json: boolean): void {
  assertKnown(shelf, name);
  const known = knownModel(name);
  const path = pathOf(shelf, name);
  const facts = {
    ...rowOf(shelf, name),
    title: known?.title ?? null,
    sha256: known?.sha256 ?? null,
    path: existsSync(path) ? path : null,
    file: fileFacts(shelf, path),
  };
  if (json) return printJson(facts);
  const lines = Object.entries({ ...facts, ...facts.file, file: null }).filter(([, value]) => value !== null);
  const width = Math.max(...lines.map(([key]) => key.length));
  process.stdout.write(
    lines.map(([key, value]) => `${key.replaceAll('_', ' ').padEnd(width)}  ${key === 'bytes' ? sizeText(Number(value)) : String(value)}\n`).join(''),
  );
}

export function removeModel(shelf: ModelShelf, name: string, { json, yes }: { readonly json: boolean; readonly yes: boolean | undefined }): void {
  const path = pathOf(shelf, name);
  const there = [path, path + PART, path + PART_MARK].filter((each) => existsSync(each));
  const bytes = there.reduce((sum, each) => sum + statSync(each).size, 0);
  if (there.length === 0) throw new CommandError(`there is no model ${JSON.stringify(name)} here`, { hint: '`sluice models list` shows what there is.' });
  assertConfirmed(yes, `to remove ${name}`);
  for (const each of there) rmSync(each);
  if (json) printJson({ name, removed: true, bytes });
  else process.stderr.write(`Removed ${name}: ${sizeText(bytes)} are free again.\n`);
}

export function knownModel(name: string): KnownModel | undefined {
  return KNOWN_MODELS.find((model) => model.name === name);
}

/** Names are parts of file names, and nothing else. */
export function pathOf({ folder }: ModelShelf, name: string): string {
  if (!/^[\w][\w.-]*$/.test(name))
    throw new CommandError(`${JSON.stringify(name)} cannot be the name of a model`, { hint: 'Letters, digits, dots, dashes and underscores make a name.' });
  return join(folder, name + EXTENSION);
}

/** In the units that disks and networks are sold in. */
export function sizeText(bytes: number): string {
  const [unit, size] = bytes >= 1e9 ? ['GB', 1e9] : bytes >= 1e6 ? ['MB', 1e6] : ['kB', 1e3];
  const amount = bytes / size;
  return `${amount >= 100 ? Math.round(amount) : Number(amount.toPrecision(2))} ${unit}`;
}

function namesHere({ folder }: ModelShelf): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).flatMap((file) => /^(.+)\.gguf(\.part)?$/.exec(file)?.[1] ?? []);
  return files.toSorted();
}

function assertKnown(shelf: ModelShelf, name: string): void {
  if (knownModel(name) !== undefined || namesHere(shelf).includes(name)) return;
  throw new CommandError(`there is no model ${JSON.stringify(name)}`, { hint: '`sluice models list` shows what there is.' });
}

function rowOf(shelf: ModelShelf, name: string): Row {
  const known = knownModel(name);
  const path = pathOf(shelf, name);
  const facts = fileFacts(shelf, path);
  const isHere = existsSync(path);
  const isPartlyHere = existsSync(path + PART);
  return {
    name,
    state: isHere ? (facts?.problem ? 'unusable' : path === shelf.served ? 'served' : 'here') : isPartlyHere ? 'partly here' : 'can be had',
    bytes: isHere ? statSync(path).size : (known?.bytes ?? (isPartlyHere ? statSync(path + PART).size : 0)),
    makes: facts?.makes ?? known?.makes ?? null,
    context_tokens: facts?.context_tokens ?? known?.contextTokens ?? null,
    license: known?.license ?? facts?.license ?? null,
    source: known ? `${known.repository}/${known.file}` : null,
    problem: facts?.problem ?? null,
  };
}

type FileFacts = {
  readonly architecture: string | null;
  readonly parameters: number | null;
  readonly layers: number | null;
  readonly vocabulary: number | null;
  readonly makes: ModelLook['makes'] | null;
  readonly context_tokens: number | null;
  readonly license: string | null;
  readonly problem: string | null;
};

/** What the file says of itself; null where it is not here. */
function fileFacts(shelf: ModelShelf, path: string): FileFacts | null {
  if (!existsSync(path)) return null;
  try {
    const { architecture, parameters, layers, vocabulary, makes, contextTokens, license } = shelf.look(path);
    return { architecture, parameters, layers, vocabulary, makes, context_tokens: contextTokens, license, problem: null };
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    return { architecture: null, parameters: null, layers: null, vocabulary: null, makes: null, context_tokens: null, license: null, problem };
  }
}
