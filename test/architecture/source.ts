/** Reads TypeScript just closely enough for the rules: what a file imports, and its text without comments, or without strings too. */
export type Import = { readonly from: string; readonly names: string; readonly typeOnly: boolean };

export type Source = {
  readonly path: string;
  readonly imports: readonly Import[];
  /** Comments blanked, strings kept. */
  readonly text: string;
  /** Comments, strings and regular expressions blanked; what stands in `${}` stays. */
  readonly code: string;
  /** As written. */
  readonly raw: string;
};

export function readSource(path: string, raw: string): Source {
  const text = blank(raw, ['comment']);
  return { path, raw, text, code: blank(raw, ['comment', 'string', 'regex']), imports: readImports(text) };
}

const STATIC = /^[ \t]*(import|export)\s+(type\s+)?([^'";]*?)\bfrom\s*['"]([^'"]+)['"]/gm;
const BARE = /^[ \t]*import\s*['"]([^'"]+)['"]/gm;
const DYNAMIC = /\b(?:import|require|import\.meta\.require)\(\s*['"`]([^'"`]+)['"`]/g;
const TYPE_QUERY = /\btypeof\s+import\(\s*['"]([^'"]+)['"]/g;

function readImports(text: string): readonly Import[] {
  const found: Import[] = [];
  for (const [, , type, names = '', from = ''] of text.matchAll(STATIC)) found.push({ from, names, typeOnly: type !== undefined || onlyTypes(names) });
  for (const [, from = ''] of text.matchAll(BARE)) found.push({ from, names: '', typeOnly: false });
  const queried = new Set([...text.matchAll(TYPE_QUERY)].map((match) => match.index + match[0].indexOf('import')));
  for (const match of text.matchAll(DYNAMIC)) found.push({ from: match[1] ?? '', names: '*', typeOnly: queried.has(match.index) });
  return found;
}

/** `{ type A, type B }` brings nothing in that runs. */
function onlyTypes(names: string): boolean {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(names)?.[1];
  return inner !== undefined && inner.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type '));
}

type Kind = 'code' | 'comment' | 'string' | 'regex';

/** Replaces the parts of these kinds by spaces, so that places and lines stay where they are. */
function blank(raw: string, kinds: readonly Kind[]): string {
  let out = '';
  for (const { kind, text } of parts(raw)) out += kinds.includes(kind) ? text.replace(/[^\n]/g, ' ') : text;
  return out;
}

const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`|\$\{|[{}]|\//g;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const TEMPLATE_END = /`|\$\{/g;

function parts(raw: string): readonly { readonly kind: Kind; readonly text: string }[] {
  const found: { kind: Kind; text: string }[] = [];
  // For each open `${`, how many braces are open inside it.
  const depths: number[] = [];
  let at = 0;
  const take = (kind: Kind, end: number): void => {
    if (end > at) found.push({ kind, text: raw.slice(at, end) });
    at = end;
  };
  const template = (): void => {
    const end = templateEnd(raw, at);
    if (raw.startsWith('${', end)) depths.push(0);
    take('string', end);
    take('code', end + (raw.startsWith('${', end) ? 2 : 1));
  };
  while (at < raw.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(raw);
    if (token === null) break;
    take('code', token.index);
    const word = token[0];
    if (word.startsWith('//') || word.startsWith('/*')) take('comment', at + word.length);
    else if (word.length > 1 && word !== '${') take('string', at + word.length);
    else if (word === '`') {
      take('code', at + 1);
      template();
    } else if (word === '/') takeSlash(raw, at, take);
    else {
      take('code', at + word.length);
      if (closesTemplate(depths, word)) template();
    }
  }
  take('code', raw.length);
  return found;
}

function closesTemplate(depths: number[], brace: string): boolean {
  const depth = depths.at(-1);
  if (depth === undefined) return false;
  if (brace === '}' && depth === 0) {
    depths.pop();
    return true;
  }
  depths[depths.length - 1] = depth + (brace === '}' ? -1 : 1);
  return false;
}

/** Where the text of a template that goes on at `from` stops: at its closing backtick or at the next `${`. */
function templateEnd(raw: string, from: number): number {
  TEMPLATE_END.lastIndex = from;
  for (let match = TEMPLATE_END.exec(raw); match !== null; match = TEMPLATE_END.exec(raw)) {
    const escapes = /\\*$/.exec(raw.slice(from, match.index))?.[0].length ?? 0;
    if (escapes % 2 === 0) return match.index;
  }
  return raw.length;
}

/** A slash after an operand divides; anywhere else it opens a regular expression. */
function takeSlash(raw: string, at: number, take: (kind: Kind, end: number) => void): void {
  const before = raw.slice(0, at).trimEnd();
  REGEX.lastIndex = at;
  const regex = /[\w$)\]}'"`]$/.test(before) && !/\b(return|typeof|case|of|in)$/.test(before) ? null : REGEX.exec(raw);
  if (regex === null) take('code', at + 1);
  else take('regex', at + regex[0].length);
}
