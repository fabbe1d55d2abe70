import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SettingRow } from '../../contract/settings.ts';
import type { ConfigProblem } from './config-error.ts';

export type SettingSource = 'default' | 'environment' | '.env' | 'file';

/** Variables from one place; an earlier layer wins over a later one. */
export type Layer = {
  readonly source: Exclude<SettingSource, 'default'>;
  readonly values: ReadonlyMap<string, string>;
  /** Where a variable of it stands, to print. */
  readonly where: (variable: string) => string;
};

export type Found = { readonly variable: string; readonly text: string; readonly source: SettingSource; readonly where: string };

/** What reading gathers besides values: `files` are those that were looked at. */
export type Notes = { readonly problems: ConfigProblem[]; readonly warnings: string[]; readonly files: Set<string> };

const SECRET_BYTES_MAX = 65_536;

/** The text of a setting: of the first layer, and there of the first name, that has one. An empty text is none. */
export function findSetting(row: SettingRow, layers: readonly Layer[], cwd: string, notes: Notes): Found | null {
  const found: Found[] = [];
  for (const layer of layers) {
    for (const variable of [row.env, ...(row.aliases ?? [])]) {
      const own = readVariable(variable, layer);
      if (own !== null) found.push(row.kind === 'secret' ? own : { ...own, text: own.text.trim() });
      const fromFile = row.kind === 'secret' ? readSecretFile(`${variable}_FILE`, layer, cwd, notes) : null;
      if (fromFile !== null) found.push(fromFile);
    }
  }
  const [winner, ...others] = found;
  if (winner === undefined) return null;
  // The same name in a later layer is what layers are for; another name that says something else is a mistake.
  const rival = others.find((other) => other.variable !== winner.variable && other.text !== winner.text);
  if (rival) notes.warnings.push(`${winner.where} and ${rival.where} mean the same and are set differently: ${winner.variable} wins. Remove the other.`);
  return winner;
}

function readVariable(variable: string, layer: Layer): Found | null {
  const text = layer.values.get(variable)?.replace(/[\r\n]+$/, '') ?? '';
  return text.trim() === '' ? null : { variable, text, source: layer.source, where: layer.where(variable) };
}

function readSecretFile(variable: string, layer: Layer, cwd: string, notes: Notes): Found | null {
  const named = readVariable(variable, layer);
  if (named === null) return null;
  const path = resolve(cwd, named.text.trim());
  notes.files.add(path);
  const outcome = readSecret(path);
  if ('text' in outcome) return { ...named, text: outcome.text };
  notes.problems.push({ where: named.where, message: `the file \`${path}\` ${outcome.problem}`, hint: `Write the secret into it, or unset ${variable}.` });
  return null;
}

function readSecret(path: string): { readonly text: string } | { readonly problem: string } {
  try {
    const text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
    if (text.length > SECRET_BYTES_MAX) return { problem: 'is too large to be a secret' };
    const secret = text.replace(/\r?\n$/, '');
    return secret.trim() === '' ? { problem: 'is empty' } : { text: secret };
  } catch (cause) {
    return { problem: whyUnreadable(cause) };
  }
}

export function whyUnreadable(cause: unknown): string {
  const { code } = cause as { readonly code?: string };
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user';
  if (code === 'EISDIR') return 'is a folder';
  return `cannot be read (${code ?? 'unknown reason'})`;
}

/** What `${NAME}` stands for: the variable, else what the file in `NAME_FILE` holds. */
export function lookUp(variable: string, layers: readonly Layer[], cwd: string, notes: Notes): string | null {
  for (const layer of layers) {
    const found = readVariable(variable, layer) ?? readSecretFile(`${variable}_FILE`, layer, cwd, notes);
    if (found !== null) return found.text;
  }
  return null;
}
