import process from 'node:process';

/** Asks a running service what a newcomer would ask, and says in one line each how that went: `SLUICE_URL=http://… bun scripts/smoke.ts`. */
const base = (process.env['SLUICE_URL'] ?? 'http://127.0.0.1:8000').replace(/\/$/, '');
const LIMIT_MS = 30_000;

type Question = { readonly name: string; readonly path: string; readonly body?: unknown; readonly holds: (response: Response, text: string) => boolean };
type Known = { readonly checks?: { readonly database?: { readonly status?: string } }; readonly openapi?: string; readonly response?: string };

const questions: readonly Question[] = [
  { name: 'alive', path: '/healthz', holds: (response, text) => response.ok && text === '{"status":"ok"}' },
  { name: 'ready', path: '/readyz', holds: (response) => response.ok },
  { name: 'healthy', path: '/health', holds: (response, text) => response.ok && parse(text).checks?.database?.status === 'ok' },
  { name: 'documented', path: '/openapi.json', holds: (response, text) => response.ok && parse(text).openapi?.startsWith('3.1') === true },
  // 401 is right where anonymous callers are not allowed.
  {
    name: 'answers',
    path: '/generate',
    body: { prompt: 'Say hello.' },
    holds: (response, text) => response.status === 401 || (parse(text).response ?? '') !== '',
  },
];

const failed: string[] = [];
for (const question of questions) {
  const problem = await ask(question);
  console.log(`${problem === null ? 'ok    ' : 'FAILED'} ${question.name.padEnd(10)} ${question.path}${problem === null ? '' : `: ${problem}`}`);
  if (problem !== null) failed.push(question.name);
}
process.exit(failed.length > 0 ? 1 : 0);

function parse(text: string): Known {
  return JSON.parse(text) as Known;
}

async function ask({ path, body, holds }: Question): Promise<string | null> {
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  try {
    const response = await fetch(base + path, { ...(body === undefined ? {} : post), signal: AbortSignal.timeout(LIMIT_MS) });
    const text = await response.text();
    return holds(response, text) ? null : `${response.status} ${text.slice(0, 300)}`;
  } catch (error) {
    return `no answer from ${base} (${error instanceof Error ? error.message : String(error)}). Is it running? Start it with: make start`;
  }
}
