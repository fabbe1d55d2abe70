import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../scripts/testing/process.ts';
import { type Client, CLAUDE, DEMO, eachFlow, GPT, hold, LIMIT_MS } from './client.ts';
import { installModules } from './install.ts';

/** A coding agent. It speaks all three dialects, so each of the models is asked in another. */
const DIALECTS: Readonly<Record<string, string>> = { [DEMO]: '@ai-sdk/openai-compatible', [GPT]: '@ai-sdk/openai', [CLAUDE]: '@ai-sdk/anthropic' };
const CONFIG = 'opencode.json';

type Told = { readonly type: string; readonly part?: { readonly text?: string; readonly tool?: string; readonly state?: { readonly status?: string } } };

export const opencode: Client = {
  name: 'opencode',
  async install() {
    const folder = await installModules('opencode', { 'opencode-ai': '1.18.33' });
    const program = join(folder, `node_modules/opencode-${process.platform}-${process.arch}/bin/opencode`);
    if (!existsSync(program)) throw new Error(`opencode has no program for ${process.platform} on ${process.arch}`);
    return { command: [program], env: {} };
  },
  flows: ['chat', 'tools'],
  async ask({ command, env }, { url, key, model: asked, folder }) {
    // It gives the fifth generation another tool to write with, whose patches nobody makes up.
    const model = asked === GPT ? 'gpt-4o-mini' : asked;
    const provider = { npm: DIALECTS[asked], options: { baseURL: `${url}/v1`, apiKey: key }, models: { [model]: { tool_call: true } } };
    const config = { autoupdate: false, share: 'disabled', permission: { edit: 'allow' }, provider: { sluice: provider } };
    await writeFile(join(folder, CONFIG), JSON.stringify(config));
    const say = async (prompt: string): Promise<readonly Told[]> => {
      const words = ['run', '--format', 'json', '--model', `sluice/${model}`, prompt];
      const ended = await run({ command: [...command, ...words], cwd: folder, limitMs: LIMIT_MS, env: { ...env, HOME: folder, PWD: folder }, isQuiet: true });
      hold(ended.exitCode === 0, ended.output);
      return ended.output
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Told);
    };
    return eachFlow({
      async chat() {
        const told = await say('Say hello');
        hold(textOf(told) !== '', JSON.stringify(told));
      },
      async tools() {
        const before = await readdir(folder);
        const told = await say('Use write now.');
        hold(told.some(({ part }) => part?.tool === 'write' && part.state?.status === 'completed') && textOf(told) !== '', JSON.stringify(told));
        hold((await readdir(folder)).length > before.length, 'no file was written');
      },
    });
  },
};

function textOf(told: readonly Told[]): string {
  return told.map(({ part }) => part?.text ?? '').join('');
}
