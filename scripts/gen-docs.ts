/**
 * Writes the documents that follow from the code: `bun scripts/gen-docs.ts`. With `--check` nothing is written, and the exit
 * status is 1 when one of them is not what it would be.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ConfigFile } from '../src/contract/config-file.ts';
import { ERROR_CODES, ERRORS } from '../src/contract/errors.ts';
import { SETTINGS, type SettingKind, type SettingRow, variablesOf } from '../src/contract/settings.ts';
import { openapiText } from '../src/roles/openapi.ts';
import { cliPage } from './cli-page.ts';
import { pricesPage } from './prices-page.ts';

type GeneratedDocument = { readonly path: string; readonly render: () => string | Promise<string> };

/** A document more is a line more. */
export const DOCUMENTS: readonly GeneratedDocument[] = [
  { path: 'docs/config.md', render: configPage },
  { path: 'docs/errors.md', render: errorsPage },
  { path: 'docs/cli.md', render: () => cliPage(COMMAND) },
  { path: 'docs/prices.md', render: () => pricesPage(COMMAND) },
  { path: 'docs/sluice.config.schema.json', render: configSchema },
  { path: '.env.example', render: envExample },
  { path: 'docs/openapi.json', render: openapiDocument },
];

const ROOT = join(import.meta.dirname, '..');
const COMMAND = 'bun scripts/gen-docs.ts';
const ROWS: readonly SettingRow[] = Object.values(SETTINGS);

/** The documents that are not on disk what they would be. */
export async function staleDocuments(): Promise<string[]> {
  const stale = await Promise.all(DOCUMENTS.map(async ({ path, render }) => ((await onDisk(path)) === (await render()) ? [] : [path])));
  return stale.flat();
}

async function onDisk(path: string): Promise<string | null> {
  const text = await readFile(join(ROOT, path), 'utf8').catch(() => null);
  // Git may have checked it out with the line endings of Windows.
  return text?.replaceAll('\r\n', '\n') ?? null;
}

/** As a service without any configuration serves it, whatever is set on this machine and in this folder. */
function openapiDocument(): Promise<string> {
  return openapiText({ env: {}, cwd: join(ROOT, 'docs') });
}

function configPage(): string {
  return `<!-- Generated from src/contract/settings.ts by \`${COMMAND}\`: change the table, not this page. -->
# Configuration

Every setting is an environment variable. None has to be set in development; production asks for \`JWT_SECRET\`.

A value is taken from the first of these places that has one; an empty value is none:

1. the environment
2. \`.env\` in the folder where Sluice is started
3. \`settings:\` in \`sluice.config.yaml\`
4. the default

- A secret may also be read from a file, as Docker and Kubernetes hand them out: \`OPENAI_API_KEY_FILE=/run/secrets/openai\`.
- Of two names of one setting that are set differently, the first one counts, and a warning says so.
- In \`.env\`, \`\${NAME}\` and \`\${NAME:-default}\` stand for another variable, except within single quotes.
- \`sluice config check\` prints what is in force and where each value came from.

Providers, models with fallbacks, and [prices](prices.md) go into \`sluice.config.yaml\`: see [the example](../examples/sluice.config.yaml) and
[its JSON Schema](sluice.config.schema.json). In it \`\${NAME}\` and \`\${NAME:-default}\` read the environment, or the file that \`NAME_FILE\` names.

\`.env\`, \`sluice.config.yaml\` and the files of secrets are read anew when they change and on SIGHUP. A bad one is refused with its line and
reason, and the one before stays in force. Settings marked *restart* keep their value until the next start.

| variable | also | kind | default | meaning |
|---|---|---|---|---|
${ROWS.map(settingLine).join('\n')}
`;
}

function settingLine(row: SettingRow): string {
  const names = variablesOf(row).slice(1).map(code).join(', ');
  const kind = `${KIND_WORDS[row.kind]}${rangeWords(row)}${row.restart ? ', *restart*' : ''}`;
  return tableLine([code(row.env), names, kind, row.default ? code(row.default) : '', row.doc]);
}

const KIND_WORDS: Readonly<Record<SettingKind, string>> = {
  text: 'text',
  secret: 'secret',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  rate: 'rate',
  list: 'list',
  environment: 'word',
  log_level: 'word',
  url: 'address',
};

function rangeWords({ min, max }: SettingRow): string {
  if (min === undefined) return '';
  return max === undefined ? ` from ${min}` : ` ${min}–${max}`;
}

const RETRY_WORDS = { never: 'no', later: 'after `Retry-After`', now: 'yes' } as const;

function errorsPage(): string {
  const lines = ERROR_CODES.map((name) => {
    const row = ERRORS[name];
    const compatible = String('compatStatus' in row ? row.compatStatus : row.status);
    const openai = row.openai.code === null ? code(row.openai.type) : `${code(row.openai.type)} / ${code(row.openai.code)}`;
    return tableLine([code(name), String(row.status), row.message, row.hint, RETRY_WORDS[row.retry], compatible, openai, code(row.anthropic)]);
  });
  return `<!-- Generated from src/contract/errors.ts by \`${COMMAND}\`: change the table, not this page. -->
# Errors

Every error of the native routes has this form, all six members always there:

\`\`\`json
{"error": {"code": "INVALID_VALUE", "message": "temperature must be between 0 and 2", "status": 422,
           "field": "temperature", "details": {"min": 0, "max": 2, "received": 3.5}, "request_id": "req_…"}}
\`\`\`

\`details.errors\` lists all mistakes of a request. Give \`request_id\` to whoever runs the service: it is in every log line of that request.
The same facts have OpenAI's words and statuses under \`/v1\`, and Anthropic's on \`/v1/messages\`, so that the official SDKs understand them.

| code | status | when | what to do | worth a retry | status on \`/v1\` | type / code on \`/v1\` | type on \`/v1/messages\` |
|---|---|---|---|---|---|---|---|
${lines.join('\n')}
`;
}

function configSchema(): string {
  const schema = z.toJSONSchema(ConfigFile, {
    io: 'input',
    override({ jsonSchema, path }) {
      // An editor sees `${NAME}` where the service sees what it stands for.
      if (jsonSchema.format === 'uri') delete jsonSchema.format;
      if (path.join('.') === 'properties.settings') jsonSchema.propertyNames = { enum: ROWS.flatMap(variablesOf) };
    },
  });
  return `${JSON.stringify({ $comment: `Generated from src/contract/config-file.ts by \`${COMMAND}\`.`, ...schema }, null, 2)}\n`;
}

function envExample(): string {
  const rows = ROWS.map((row) => {
    const aliases = row.aliases === undefined ? '' : ` Also: ${row.aliases.join(', ')}.`;
    return `# ${row.doc.replaceAll('`', '')}${aliases}\n# ${row.env}=${row.default ?? ''}\n`;
  });
  return `# Generated from src/contract/settings.ts by \`${COMMAND}\`: change the table, not this file.
#
# Copy it to .env and take the # away from what you want to set. Nothing has to be set in development: without a provider
# key the built-in demo model answers. Production asks for JWT_SECRET. All settings with their kinds and ranges: docs/config.md

${rows.join('\n')}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

async function main(): Promise<void> {
  const stale = await staleDocuments();
  if (process.argv.includes('--check')) {
    for (const path of stale) console.error(`${path} is stale: run \`${COMMAND}\` and commit it.`);
    process.exit(stale.length > 0 ? 1 : 0);
  }
  for (const { path, render } of DOCUMENTS.filter((document) => stale.includes(document.path))) {
    await mkdir(dirname(join(ROOT, path)), { recursive: true });
    await writeFile(join(ROOT, path), await render());
    console.log(`wrote ${path}`);
  }
}

if (import.meta.main) await main();
