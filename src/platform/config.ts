import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConfigFile } from '../contract/config-file.ts';
import { EMPTY_CONFIG_FILE } from '../contract/empty-config-file.ts';
import { SETTINGS, type SettingName, type SettingRow, type Settings } from '../contract/settings.ts';
import { checkConfig } from './config/checks.ts';
import { ConfigError } from './config/config-error.ts';
import { type EnvFile, parseEnvFile } from './config/env-file.ts';
import { findSetting, type Found, type Layer, lookUp, type Notes, type SettingSource, whyUnreadable } from './config/layers.ts';
import { misspeltVariable } from './config/misspelt.ts';
import { isRetiredEngine } from './config/retired-engines.ts';
import { parseValue } from './config/values.ts';
import type * as YamlModule from './config/yaml-file.ts';

export type ConfigSource = { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string };

export type ConfigRead = {
  readonly settings: Settings;
  readonly file: ConfigFile;
  readonly sources: Readonly<Record<SettingName, SettingSource>>;
  /** Under which name each setting was found: `PORT` where an alias was used. Absent for a default. */
  readonly variables: Readonly<Partial<Record<SettingName, string>>>;
  readonly warnings: readonly string[];
  /** Every file that it was read from, or looked for at. */
  readonly files: readonly string[];
};

const NAMES = Object.keys(SETTINGS) as SettingName[];
const FILE_BYTES_MAX = 1_048_576;

/** Reads the whole configuration: environment, then .env, then sluice.config.yaml, then defaults. Throws one ConfigError with all problems. */
export function readConfig(source: ConfigSource): ConfigRead {
  const { cwd } = source;
  const notes = emptyNotes();
  const envFile = readEnvFile(source, notes);
  const outer = [environmentLayer(source, envFile), envFileLayer(envFile)];
  const yaml = readFile(outer, cwd, notes);
  const layers = yaml === null ? outer : [...outer, yamlLayer(yaml)];
  const found = new Map<SettingName, Found>();
  const settings = Object.fromEntries(NAMES.map((name) => [name, readSetting(name, { layers, cwd, notes, found })])) as Settings;
  const file = yaml?.file ?? EMPTY_CONFIG_FILE;
  const where = (name: SettingName): string => found.get(name)?.where ?? SETTINGS[name].env;
  const checked = checkConfig({ settings, file, where, placeInFile: (path) => yaml?.placeOf(path) ?? path.join('.') });
  notes.problems.push(...checked.problems);
  notes.warnings.push(...checked.warnings, ...misspellings(outer));
  if (notes.problems.length > 0) throw new ConfigError(notes.problems);
  return deepFreeze({
    settings,
    file,
    sources: Object.fromEntries(NAMES.map((name) => [name, found.get(name)?.source ?? 'default'])) as Record<SettingName, SettingSource>,
    variables: Object.fromEntries([...found].map(([name, { variable }]) => [name, variable])),
    warnings: notes.warnings,
    files: [...notes.files],
  });
}

/**
 * The environment without what Bun put there from .env by itself when it started. Without this, a value that has been changed in .env
 * since would look as if the old one had been set on purpose.
 */
export function withoutEnvFile(source: ConfigSource): ConfigSource {
  const envFile = readEnvFile(source, emptyNotes());
  return { cwd: source.cwd, env: Object.fromEntries(environmentLayer(source, envFile).values) };
}

function emptyNotes(): Notes {
  return { problems: [], warnings: [], files: new Set() };
}

function readEnvFile({ env, cwd }: ConfigSource, notes: Notes): EnvFile {
  const path = resolve(cwd, '.env');
  notes.files.add(path);
  try {
    const envFile = parseEnvFile(decode(readFileSync(path)), env);
    notes.warnings.push(...envFile.warnings.map(({ line, message }) => `.env:${line}: ${message}`));
    return envFile;
  } catch (cause) {
    const reason = whyUnreadable(cause);
    if (reason !== 'does not exist') notes.problems.push({ where: '.env', message: reason, hint: `Mend or remove \`${path}\`.` });
    return { entries: new Map(), warnings: [] };
  }
}

/** PowerShell's `>` writes UTF-16. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8').decode(bytes);
}

function environmentLayer({ env }: ConfigSource, { entries }: EnvFile): Layer {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    const entry = entries.get(name);
    if (value !== undefined && value !== entry?.value && value !== entry?.loaded) values.set(name, value);
  }
  return { source: 'environment', values, where: (variable) => `${variable} (environment)` };
}

function envFileLayer({ entries }: EnvFile): Layer {
  const values = new Map([...entries].map(([name, entry]) => [name, entry.value]));
  return { source: '.env', values, where: (variable) => `${variable} (.env:${entries.get(variable)?.line ?? 1})` };
}

function yamlLayer({ settings }: YamlModule.YamlFile): Layer {
  const values = new Map([...settings].map(([name, entry]) => [name, entry.value]));
  return { source: 'file', values, where: (variable) => `${variable} (${settings.get(variable)?.place ?? 'file'})` };
}

function readFile(layers: readonly Layer[], cwd: string, notes: Notes): YamlModule.YamlFile | null {
  const named = findSetting(SETTINGS.configFile, layers, cwd, notes);
  const name = (named?.text ?? SETTINGS.configFile.default).replace(/^\.\//, '');
  const path = resolve(cwd, name);
  notes.files.add(path);
  if (named === null && !existsSync(path)) return null;
  try {
    const bytes = readFileSync(path);
    if (bytes.length > FILE_BYTES_MAX) throw new ConfigError([{ where: name, message: `has ${bytes.length} bytes; at most ${FILE_BYTES_MAX} are read` }]);
    // The YAML parser and the schema take longer to load than all the rest takes to run, and most starts have no file.
    const { readYamlFile } = require('./config/yaml-file.ts') as typeof YamlModule;
    const yaml = readYamlFile(decode(bytes), name, (variable) => lookUp(variable, layers, cwd, notes));
    notes.problems.push(...yaml.problems);
    notes.warnings.push(...yaml.warnings);
    return yaml;
  } catch (cause) {
    if (cause instanceof ConfigError) notes.problems.push(...cause.problems);
    else if ((cause as { code?: unknown }).code === undefined) throw cause;
    else notes.problems.push({ where: named?.where ?? name, message: `the configuration file \`${path}\` ${whyUnreadable(cause)}` });
    return null;
  }
}

type Reading = { readonly layers: readonly Layer[]; readonly cwd: string; readonly notes: Notes; readonly found: Map<SettingName, Found> };

function readSetting(name: SettingName, { layers, cwd, notes, found }: Reading): unknown {
  const row: SettingRow = SETTINGS[name];
  const set = findSetting(row, name === 'configFile' ? layers.filter(({ source }) => source !== 'file') : layers, cwd, notes);
  if (set !== null && name === 'defaultModel' && isRetiredEngine(set.text)) {
    notes.warnings.push(`${set.where}: the engine \`${set.text}\` has been retired; the default model is used instead. Set DEFAULT_MODEL to a current model.`);
  } else if (set !== null) {
    const parsed = parseValue(row, set.text);
    if ('value' in parsed) {
      found.set(name, set);
      return parsed.value;
    }
    notes.problems.push({ where: set.where, message: parsed.message, ...(parsed.hint === undefined ? {} : { hint: parsed.hint }) });
  }
  return defaultOf(row);
}

function defaultOf(row: SettingRow): unknown {
  if (row.default === null) return null;
  const parsed = parseValue(row, row.default);
  if (!('value' in parsed)) throw new Error(`the default of ${row.env} is not one: it ${parsed.message}`);
  return parsed.value;
}

function misspellings(layers: readonly Layer[]): string[] {
  return layers.flatMap((layer) =>
    [...layer.values.keys()].flatMap((variable) => {
      const meant = misspeltVariable(variable);
      return meant === null ? [] : [`${layer.where(variable)} is not a setting. Did you mean ${meant}?`];
    }),
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
