/** A line of a .env file. `loaded` is what Bun makes of it when it loads the file into the environment by itself. */
export type EnvEntry = { readonly value: string; readonly loaded: string; readonly line: number };
export type EnvFile = { readonly entries: ReadonlyMap<string, EnvEntry>; readonly warnings: readonly { readonly line: number; readonly message: string }[] };

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s*(.*)$/;
const QUOTES = new Set(['"', "'", '`']);

/**
 * Reads the text of a .env file: `NAME=value`, `export NAME=value`, quotes, several lines within quotes, comments, and `${NAME}` or
 * `${NAME:-default}` outside single quotes. A bare `$` stays as it is, so that a password may hold one.
 */
export function parseEnvFile(text: string, environment: Readonly<Record<string, string | undefined>>): EnvFile {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const entries = new Map<string, EnvEntry>();
  const warnings: { line: number; message: string }[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const line = index + 1;
    const content = lines[index] ?? '';
    if (/^\s*(#|$)/.test(content)) continue;
    const [, name, rest] = ASSIGNMENT.exec(content) ?? [];
    if (name === undefined || rest === undefined) {
      warnings.push({ line, message: 'this line is not `NAME=value` and is passed over' });
      continue;
    }
    const raw = readRaw(rest, lines, index);
    if (raw.unclosed) warnings.push({ line, message: `the quote after \`${name}=\` is never closed` });
    index += raw.moreLines;
    entries.set(name, {
      line,
      value: expand(raw, (other) => environment[other] ?? entries.get(other)?.value),
      loaded: expandLikeBun(raw, (other) => environment[other] ?? entries.get(other)?.loaded),
    });
  }
  return { entries, warnings };
}

type Raw = { readonly text: string; readonly quote: string; readonly moreLines: number; readonly unclosed: boolean };

function readRaw(rest: string, lines: readonly string[], index: number): Raw {
  const quote = QUOTES.has(rest[0] ?? '') ? (rest[0] ?? '') : '';
  if (quote === '') return { text: withoutComment(rest), quote, moreLines: 0, unclosed: false };
  let text = rest.slice(1);
  for (let moreLines = 0; ; moreLines += 1) {
    const end = closingQuote(text, quote);
    if (end >= 0) return { text: text.slice(0, end), quote, moreLines, unclosed: false };
    const next = lines[index + moreLines + 1];
    if (next === undefined) return { text: withoutComment(rest), quote: '', moreLines: 0, unclosed: true };
    text += `\n${next}`;
  }
}

function closingQuote(text: string, quote: string): number {
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === '\\' && quote === '"') index += 1;
    else if (text[index] === quote) return index;
  }
  return -1;
}

function withoutComment(text: string): string {
  const comment = text.indexOf('#');
  return (comment < 0 ? text : text.slice(0, comment)).trim();
}

type Lookup = (name: string) => string | undefined;

function expand(raw: Raw, lookup: Lookup): string {
  if (raw.quote === "'") return raw.text;
  const expanded = raw.text.replace(/\\\$|\$\{(\w+)(?::-([^}]*))?\}/g, (match, name: string | undefined, otherwise: string | undefined) => {
    if (name === undefined) return match.slice(1);
    return lookup(name) || (otherwise ?? '');
  });
  return raw.quote === '"' ? unescaped(expanded) : expanded;
}

/** Bun also expands a bare `$NAME`, within single quotes too. Needed only to tell a value that Bun took from .env from one that was set. */
function expandLikeBun(raw: Raw, lookup: Lookup): string {
  const expanded = raw.text.replace(
    /\\\$|\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)/g,
    (match, braced: string | undefined, otherwise: string | undefined, bare: string | undefined) => {
      const name = braced ?? bare;
      if (name === undefined) return match.slice(1);
      return lookup(name) || (otherwise ?? '');
    },
  );
  return raw.quote === '"' ? unescaped(expanded) : expanded;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };
function unescaped(text: string): string {
  return text.replace(/\\(["\\nrt])/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}
