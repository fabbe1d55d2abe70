/**
 * Clients of others, as they come from their registries, against the real process: `bun test/clients-more/run.ts [client …]`, all when none is
 * named. On the demo model, a provider that speaks OpenAI's dialects, and one that speaks Anthropic's. The last line is `N passed, N failed`, and
 * the exit status is 1 when something failed; a client that could not be installed has failed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closingLine } from '../../scripts/testing/count.ts';
import { startFakeUpstream } from '../fake-upstream/server.ts';
import { call, signIn, startSluice } from '../harness.ts';
import { type Client, MODELS, type Outcome, type Program } from './client.ts';
import { bringUv } from './install.ts';
import { LIBRARIES } from './libraries.ts';
import { llmComply } from './llm-comply.ts';
import { opencode } from './opencode.ts';
import { PROGRAMS, SECOND_LINE } from './programs.ts';
import { promptfoo } from './promptfoo.ts';

const CLIENTS: readonly Client[] = [...LIBRARIES, ...PROGRAMS, opencode, promptfoo, llmComply];

const chosen = choose(process.argv.slice(2));
const upstream = await startFakeUpstream();
upstream.script([
  { match: { prompt: 'Add a second line' }, text: SECOND_LINE },
  { match: { prompt: '15 * 37' }, reasoning: 'Fifteen times thirty-seven.', text: '555' },
]);
const sluice = await startSluice({
  env: {
    OPENAI_API_KEY: 'sk-upstream-000000000000',
    OPENAI_BASE_URL: upstream.url,
    ANTHROPIC_API_KEY: 'sk-ant-upstream-000000000000',
    ANTHROPIC_BASE_URL: upstream.origin,
  },
});
const { key } = (await call<{ key: string }>(`${sluice.url}/api/v1/keys`, { json: { name: 'clients' }, headers: await signIn(sluice.url) })).json;
const counts = { passed: 0, failed: 0, skipped: 0 };
try {
  await bringUv();
  for (const client of chosen) await runClient(client);
} finally {
  await sluice.stop();
  upstream.stop();
}
console.log(`\n${closingLine(counts)}`);
process.exit(counts.failed === 0 ? 0 : 1);

async function runClient(client: Client): Promise<void> {
  const began = performance.now();
  const program = await client.install().catch((error: unknown) => String(error));
  console.log(`\n=== ${client.name}, installed in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  for (const model of MODELS) {
    const outcomes = typeof program === 'string' ? client.flows.map((flow) => ({ flow, failed: program })) : await outcomesOf(client, program, model);
    for (const { flow, failed } of outcomes) {
      counts[failed === undefined ? 'passed' : 'failed']++;
      console.log(failed === undefined ? `(pass) ${client.name} · ${flow} · ${model}` : `(fail) ${client.name} · ${flow} · ${model}: ${failed}`);
    }
  }
}

/** One outcome for each flow: what was not told of has failed. */
async function outcomesOf(client: Client, program: Program, model: string): Promise<readonly Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), `sluice-${client.name}-`));
  try {
    const told = await client.ask(program, { url: sluice.url, key, model, folder });
    return client.flows.map((flow) => told.find((each) => each.flow === flow) ?? { flow, failed: 'it was not told of' });
  } catch (error) {
    return client.flows.map((flow) => ({ flow, failed: String(error) }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function choose(names: readonly string[]): readonly Client[] {
  const unknown = names.filter((name) => !CLIENTS.some((client) => client.name === name));
  if (unknown.length > 0) {
    console.error(`There is no client ${unknown.join(', ')}. Clients: ${CLIENTS.map((client) => client.name).join(', ')}`);
    process.exit(2);
  }
  return names.length === 0 ? CLIENTS : CLIENTS.filter((client) => names.includes(client.name));
}
