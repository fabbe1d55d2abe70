import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../scripts/testing/process.ts';
import { type Asking, type Client, CLAUDE, DEMO, eachFlow, hold, LIMIT_MS, type Program } from './client.ts';
import { installPackages } from './install.ts';

/** Programs of the terminal. */
type Say = (...words: readonly string[]) => Promise<string>;

function sayer({ command, env }: Program, { folder }: Asking, more: Readonly<Record<string, string>>): Say {
  return async (...words) => {
    const ended = await run({ command: [...command, ...words], cwd: folder, limitMs: LIMIT_MS, env: { ...env, HOME: folder, ...more }, isQuiet: true });
    hold(ended.exitCode === 0, `it ended with ${ended.exitCode}: ${ended.output}`);
    return ended.output;
  };
}

const llm: Client = {
  name: 'llm',
  install: () => installPackages('llm', ['llm==0.36'], 'llm'),
  flows: ['stream', 'chat', 'go_on', 'structured', 'tools'],
  async ask(program, asking) {
    const { url, key, model, folder } = asking;
    const known = { model_id: 'sluice', model_name: model, api_base: `${url}/v1`, api_key_name: 'sluice', supports_tools: true, supports_schema: true };
    await writeFile(join(folder, 'extra-openai-models.yaml'), JSON.stringify([known]));
    await writeFile(join(folder, 'keys.json'), JSON.stringify({ sluice: key }));
    const say = sayer(program, asking, { LLM_USER_PATH: folder });
    const ask: Say = (...words) => say('-m', 'sluice', ...words);
    const tool = 'def get_weather(city: str) -> str:\n    "The weather of a place"\n    return "21 degrees"';
    return eachFlow({
      stream: async () => hold((await ask('Say hello')).trim() !== '', 'it said nothing'),
      chat: async () => hold((await ask('--no-stream', 'Say hello')).trim() !== '', 'it said nothing'),
      go_on: async () => hold((await ask('--continue', 'And again')).trim() !== '', 'it said nothing'),
      async structured() {
        const said = JSON.parse(await ask('--schema', 'city str, people int', 'Which city?')) as { readonly city?: unknown };
        hold(typeof said.city === 'string', JSON.stringify(said));
      },
      async tools() {
        const said = await ask('--functions', tool, '--tools-debug', 'What is the weather in Paris? Use get_weather.');
        hold(said.includes('21 degrees'), said);
      },
    });
  },
};

const aider: Client = {
  name: 'aider',
  install: () => installPackages('aider', ['aider-chat==0.86.2'], 'aider'),
  flows: ['ask', 'edit'],
  async ask(program, asking) {
    const { url, key, model, folder } = asking;
    // Anthropic's dialect for Anthropic's models, as it would for itself.
    const [name, env] =
      model === CLAUDE
        ? [`anthropic/${model}`, { ANTHROPIC_API_BASE: url, ANTHROPIC_API_KEY: key }]
        : [`openai/${model}`, { OPENAI_API_BASE: `${url}/v1`, OPENAI_API_KEY: key }];
    const say = sayer(program, asking, { ...env, LITELLM_LOCAL_MODEL_COST_MAP: 'True' });
    const quiet = ['--no-git', '--yes-always', '--no-check-update', '--no-analytics', '--no-show-model-warnings', '--no-pretty', '--map-tokens', '0'];
    const notes = join(folder, 'notes.txt');
    await writeFile(notes, 'first\n');
    const ask: Say = (message) => say('--model', name, '--edit-format', 'whole', ...quiet, '--message', message ?? '', notes);
    return eachFlow({
      async ask() {
        const said = await ask('/ask What is in the notes?');
        hold(/Tokens: \S+ sent, \S+ received/.test(said), said);
      },
      async edit() {
        const said = await ask('Add a second line');
        // The demo writes no code: that it was asked and answered is all that there is to see.
        if (model === DEMO) hold(/Tokens: \S+ sent, \S+ received/.test(said), said);
        else hold((await readFile(notes, 'utf8')) === 'first\nsecond\n', said);
      },
    });
  },
};

/** What the upstream says to the prompt above: the file as it is to be. */
export const SECOND_LINE = 'Done.\n\nnotes.txt\n```\nfirst\nsecond\n```\n';

export const PROGRAMS: readonly Client[] = [llm, aider];
