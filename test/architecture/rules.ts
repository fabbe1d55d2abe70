import { posix } from 'node:path';
import type { Import, Source } from './source.ts';

/** The rules of DESIGN that a compiler does not know. Each is a function from a file to the sentences that say what is wrong with it. */
export type Rule = (source: Source) => readonly string[];

/** Which parts of src/ may import which. `app` and `tables` are types alone; a feature may not import another one. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  core: ['contract'],
  wire: ['contract', 'core'],
  providers: ['contract', 'core', 'wire'],
  app: ['contract', 'core', 'tables'],
  tables: ['contract', 'core'],
  gateway: ['contract', 'core', 'app', 'tables'],
  http: ['contract', 'core', 'wire', 'app', 'tables'],
  features: ['contract', 'core', 'wire', 'gateway', 'http', 'app', 'tables'],
  platform: ['contract', 'core', 'wire', 'app', 'tables'],
  roles: ['contract', 'core', 'wire', 'providers', 'gateway', 'http', 'features', 'platform', 'app', 'tables'],
  cli: ['contract'],
  main: ['contract', 'roles', 'cli'],
};

/** Where packages and built-in modules may come in; one that is not named here may come in anywhere. */
const PACKAGE_HOMES: readonly { readonly from: RegExp; readonly homes: RegExp; readonly typesAnywhere?: true }[] = [
  { from: /^pg(\/|$)/, homes: /^src\/platform\/postgres/ },
  { from: /^kysely(\/|$)/, homes: /^src\/platform\/postgres|\/store\.ts$/, typesAnywhere: true },
  { from: /^commander$/, homes: /^src\/(cli\/|main\.ts$)/ },
  { from: /^(bun|bun:.*)$/, homes: /^src\/(platform\/|http\/server\.ts$)/ },
  { from: /^node:(http|https|http2|tls|dgram|dns)(\/|$)/, homes: /^src\/platform\/egress(\/|\.ts$)/ },
  { from: /^node:(child_process|cluster|worker_threads)$/, homes: /^src\/platform\// },
  { from: /^node:fs(\/|$)/, homes: /^src\/(platform|cli|roles|features|http)\// },
];

export const importTable: Rule = (source) => {
  const from = partOf(source.path);
  if (from === null) return [];
  const problems: string[] = [];
  for (const each of source.imports) {
    if (!each.from.startsWith('.')) {
      problems.push(...packageProblems(source.path, each));
      continue;
    }
    const target = resolve(source.path, each.from);
    const to = partOf(target);
    if (to === null) problems.push(`imports ${each.from}, which is outside src/`);
    else if (to.part === from.part)
      problems.push(...(crossesFeatures(source.path, from, to) ? [`imports the feature ${to.feature}: move what both need down`] : []));
    else if (MAY_IMPORT[from.part]?.includes(to.part) !== true) problems.push(`${from.part} may not import ${to.part} (${each.from})`);
    else if (from.part === 'app' && !each.typeOnly) problems.push(`app imports types only, and ${each.from} comes in to run`);
  }
  return problems;
};

type Part = { readonly part: string; readonly feature: string | null };

function partOf(path: string): Part | null {
  const [src, first = '', second = ''] = path.split('/');
  if (src !== 'src') return null;
  const feature = first === 'features' && path.split('/').length > 3 ? second : null;
  return { part: first.replace(/\.ts$/, ''), feature };
}

/** features/index.ts is the list of all features; a feature itself knows no other one and not the list. */
function crossesFeatures(path: string, from: Part, to: Part): boolean {
  return from.part === 'features' && path !== 'src/features/index.ts' && from.feature !== to.feature;
}

function packageProblems(path: string, each: Import): readonly string[] {
  const home = PACKAGE_HOMES.find((row) => row.from.test(each.from));
  if (home === undefined || home.homes.test(path) || (each.typeOnly && home.typesAnywhere === true)) return [];
  return [`may not import ${each.from}`];
}

function resolve(path: string, from: string): string {
  return posix.normalize(posix.join(posix.dirname(path), from));
}

/** The folders of src/ in the order of a cycle, or null when there is none. */
export function folderCycle(sources: readonly Source[]): readonly string[] | null {
  const edges = new Map<string, Set<string>>();
  for (const source of sources) {
    const from = partOf(source.path)?.part;
    if (from === undefined) continue;
    const targets = edges.get(from) ?? new Set();
    edges.set(from, targets);
    for (const each of source.imports) {
      const to = each.from.startsWith('.') ? partOf(resolve(source.path, each.from))?.part : undefined;
      if (to !== undefined && to !== from) targets.add(to);
    }
  }
  for (const start of edges.keys()) {
    const cycle = walk(start, edges, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

function walk(at: string, edges: ReadonlyMap<string, ReadonlySet<string>>, trail: readonly string[]): readonly string[] | null {
  if (trail.includes(at)) return [...trail.slice(trail.indexOf(at)), at];
  for (const next of edges.get(at) ?? []) {
    const cycle = walk(next, edges, [...trail, at]);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** A rule about a pattern in files that are not its home. */
function only(pattern: RegExp, homes: RegExp, words: string, view: 'code' | 'text' = 'code'): Rule {
  return (source) => {
    if (!source.path.startsWith('src/') || homes.test(source.path)) return [];
    return [...source[view].matchAll(pattern)].map((match) => `line ${lineOf(source, match.index)}: ${words}`);
  };
}

function lineOf(source: Source, index: number): number {
  return source.raw.slice(0, index).split('\n').length;
}

export const egress = only(
  // A call, not a method of that name: `fetch(request) {` in what Bun.serve takes.
  /(?:\bglobalThis\.|(?<![.\w]))fetch\s*(?=\()(?!\([^()]*\)\s*(?::[^{]*)?\{)|\bnew (?:WebSocket|EventSource|XMLHttpRequest)\b|\bBun\.(?:connect|udpSocket|dns)\b/g,
  /^src\/(platform\/egress(\/|\.ts$)|cli\/)/,
  'the way out is platform/egress.ts',
);

export const sockets: Rule = (source) => {
  if (!source.path.startsWith('src/') || /^src\/platform\/(egress(\/|\.ts$)|postgres)/.test(source.path)) return [];
  const opening = source.imports.filter(
    (each) => /^(node:)?net$/.test(each.from) && /\b(?:connect|createConnection|Socket)\b|^\s*(?:\w+\s*|\*.*)$/.test(each.names),
  );
  return opening.map(() => 'opens a socket: the way out is platform/egress.ts');
};

export const environment = only(
  /\bprocess\s*\.\s*env\b|\bBun\s*\.\s*env\b|\bimport\.meta\.env\b/g,
  /^src\/(platform\/config(\/|\.ts$)|main\.ts$)/,
  'the environment is read in platform/config',
);

export const runtime = only(/\bBun\s*\.\s*\w/g, /^src\/(platform\/|http\/server\.ts$)/, 'Bun is known to platform/ and http/server.ts alone');

const SQL_HOMES = /^src\/platform\/postgres|\/store\.ts$/;
const kyselyCalls = only(
  /\.(?:selectFrom|insertInto|updateTable|deleteFrom|mergeInto)\s*\(|\bsql`/g,
  SQL_HOMES,
  'SQL stands in platform/postgres and in the store.ts of a feature',
);
const sqlText = only(
  /['"`]\s*(?:SELECT\s[\s\S]*?\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|(?:CREATE|ALTER|DROP)\s+TABLE|select\s[^'"`]*?\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|(?:create|alter|drop)\s+table)\s/g,
  SQL_HOMES,
  'SQL stands in platform/postgres and in the store.ts of a feature',
  'text',
);
export const sql: Rule = (source) => [...kyselyCalls(source), ...sqlText(source)];

/** Ids of upstreams; the names of dialects (`openai-chat`) are other words, and a surface that bears a vendor's name is none of them. */
const PROVIDER = String.raw`['"](?:openai|azure|anthropic|gemini|google|vertex|bedrock|mistral|groq|cohere|xai|deepseek|openrouter|together|fireworks|perplexity|ollama|demo)['"]`;
const PROVIDER_ID = String.raw`\b(?:provider\??\.id|providerId|providerName|\.provider)`;
export const providerBlind = only(
  new RegExp(
    String.raw`(?:(?<!\bsurface\s*|[mM]odel\s*|[=!])[=!]==?|\bcase)\s*${PROVIDER}|${PROVIDER}\s*[=!]==?|${PROVIDER_ID}\s*[=!]==?\s*['"]|switch\s*\([^)]*${PROVIDER_ID}\s*\)`,
    'g',
  ),
  /^src\/providers\//,
  'asks which provider it is: let the provider declare what differs',
  'text',
);

const VAGUE = /^(utils?|helpers?|common|misc|shared|managers?|services?|data|info|lib)$/;
export const names: Rule = (source) => {
  const parts = source.path.replace(/\.(test\.)?ts$/, '').split('/');
  return parts
    .filter((part) => VAGUE.test(part) || part.split('-').some((word) => /^(utils?|helpers?|misc)$/.test(word)))
    .map((part) => `"${part}" names no idea`);
};

/** Erasing the types of a list of routes needs one; the lint comment above it says why. */
export const anyType: Rule = (source) => {
  const lines = source.raw.split('\n');
  const found = [...source.code.matchAll(/(?::|<|,|\bas|\||&|=>)\s*any\b(?!\s*(?:[:(?.]|=>|\|\||&&))|\bany\[\]/g)];
  return found
    .map((match) => lineOf(source, match.index + match[0].length))
    .filter((line) => lines[line - 2]?.includes('oxlint-disable-next-line typescript/no-explicit-any') !== true)
    .map((line) => `line ${line}: any`);
};

export const defaultExport: Rule = (source) => (/^\s*export\s+default\b|\bas\s+default\b/m.test(source.code) ? ['has a default export'] : []);

/** Black-box tests know the service by its contract alone. The fake upstream plays a provider, and may decide like one with core/. The types of app/ say what a stand-in must offer. */
export const blackBox: Rule = (source) => {
  if (!source.path.startsWith('test/')) return [];
  const open = source.path.startsWith('test/fake-upstream/') ? /^src\/(contract|core)\// : /^src\/contract\//;
  const targets = source.imports
    .filter((each) => each.from.startsWith('.'))
    .filter((each) => !each.typeOnly || !/\/src\/app(\/\w+)?\.ts$/.test(each.from))
    .map((each) => resolve(source.path, each.from));
  return targets.filter((path) => path.startsWith('src/') && !open.test(path)).map((path) => `imports ${path}: a black-box test may know only the contract`);
};
