import { SETTINGS, type SettingName, type SettingRow } from '../../contract/settings.ts';
import type { ConfigRead } from '../config.ts';

export type ConfigRow = { readonly name: string; readonly value: string; readonly source: string; readonly doc: string };

/** The effective configuration, a row a setting, ready to print: secrets are masked. */
export function describeConfig(read: ConfigRead): ConfigRow[] {
  const rows: readonly [string, SettingRow][] = Object.entries(SETTINGS);
  return rows.map(([key, row]) => {
    const name = key as SettingName;
    const variable = read.variables[name];
    const source = read.sources[name];
    return {
      name: row.env,
      value: printed(row, read.settings[name]),
      source: variable === undefined || variable === row.env ? source : `${source} (${variable})`,
      doc: row.doc,
    };
  });
}

function printed(row: SettingRow, value: ConfigRead['settings'][SettingName]): string {
  if (value === null) return row.kind === 'rate' ? 'off' : '';
  if (typeof value === 'object') return 'words' in value ? value.words : value.join(',');
  const text = String(value);
  if (row.kind === 'secret') return maskSecret(row.env, text);
  return row.kind === 'url' ? maskAddress(text) : text;
}

const SHOWN_FROM_LENGTH = 20;

/** Enough to tell one key from another, and of passwords nothing. */
export function maskSecret(variable: string, secret: string): string {
  if (URL.canParse(secret) && secret.includes('://')) return maskAddress(secret);
  if (!variable.endsWith('_API_KEY') || secret.length < SHOWN_FROM_LENGTH) return '…';
  const kind = /^[A-Za-z]{2,4}[-_]/.exec(secret)?.[0] ?? '';
  return `${kind}…${secret.slice(-4)}`;
}

/** An address without the password that it may hold, in front of its host or behind its question mark. */
function maskAddress(address: string): string {
  const url = URL.parse(address);
  if (url === null) return '…';
  const user = `${url.username}${url.password === '' ? '' : ':…'}`;
  return `${url.protocol}//${user === '' ? '' : `${user}@`}${url.host}${url.pathname === '/' ? '' : url.pathname}${url.search === '' ? '' : '?…'}`;
}
