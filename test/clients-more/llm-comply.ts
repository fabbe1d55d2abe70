import { run } from '../../scripts/testing/process.ts';
import { type Asking, type Client, LIMIT_MS, type Outcome, type Program } from './client.ts';
import { installPackages } from './install.ts';

/** A conformance tester. A flow is all of its tests of one dialect. */
const ANTHROPIC = ['--auth-header', 'x-api-key', '--no-bearer', '-H', 'anthropic-version:2023-06-01'];
const DIALECTS: Readonly<Record<string, readonly string[]>> = { 'openai-chat': [], 'open-responses': [], anthropic: ANTHROPIC };

/** What it finds and we mean. One that it finds no more fails. */
const MEANT: Readonly<Record<string, string>> = {
  'chat-error-handling': 'a body without a model goes to the default model',
  'error-handling': 'a body without a model goes to the default model',
  'compact-response': 'there is no compaction, and its path is that of a response: 405, where it expects 404',
  'compact-missing-model': 'the same',
};

type Report = { readonly results: readonly { readonly id: string; readonly status: string; readonly errors?: readonly string[] }[] };

export const llmComply: Client = {
  name: 'llm-comply',
  install: () => installPackages('llm-comply', ['llm-comply==0.5.0'], 'llm-comply'),
  flows: Object.keys(DIALECTS),
  async ask(program, asking) {
    const outcomes: Outcome[] = [];
    for (const [dialect, words] of Object.entries(DIALECTS)) outcomes.push(await tested(program, asking, { dialect, words }));
    return outcomes;
  },
};

async function tested(
  { command, env }: Program,
  { url, key, model, folder }: Asking,
  { dialect, words }: { readonly dialect: string; readonly words: readonly string[] },
): Promise<Outcome> {
  const asked = ['--format', dialect, '-u', `${url}/v1`, '-k', key, '-m', model, '--json', ...words];
  const { output } = await run({ command: [...command, ...asked], cwd: folder, limitMs: LIMIT_MS, env, isQuiet: true });
  const { results } = JSON.parse(output.slice(output.indexOf('{'))) as Report;
  const failures = results
    .filter(({ id, status }) => (status === 'failed') !== id in MEANT)
    .map(({ id, status, errors = [] }) => `${id} ${status}: ${errors.join('; ')}`);
  if (results.length < 8) failures.push(`only ${results.length} tests were run`);
  return failures.length === 0 ? { flow: dialect } : { flow: dialect, failed: failures.join('\n') };
}
