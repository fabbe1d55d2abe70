import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Puts a package of one file under a data folder, as `npm install --prefix` would. */
export function installPackage(dataDir: string, name: string, source: string): void {
  const folder = join(dataDir, 'node_modules', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module', exports: './index.js' }));
  writeFileSync(join(folder, 'index.js'), source);
}

/**
 * A provider of the second version of the interface, as packages of last year are: it says what it is asked in capitals, and counts without
 * telling why. `elsewhere` makes it ask an address of its own.
 */
export const SHOUTING = (elsewhere: string): string => `
export function createShouting({ fetch, baseURL, shout }) {
  const ask = async ({ prompt, abortSignal }, modelId) => {
    const url = modelId === 'wanderer' ? ${JSON.stringify(elsewhere)} : baseURL + '/shout';
    const response = await fetch(url, { method: 'POST', signal: abortSignal, body: JSON.stringify({ modelId, shout, prompt }) });
    return (await response.text()).toUpperCase();
  };
  const usage = { inputTokens: 3, outputTokens: 2, totalTokens: 5 };
  return {
    languageModel: (modelId) => ({
      specificationVersion: 'v2',
      modelId,
      doGenerate: async (options) => ({ content: [{ type: 'text', text: await ask(options, modelId) }], finishReason: 'stop', usage, warnings: [] }),
      doStream: async (options) => {
        const text = await ask(options, modelId);
        const parts = [{ type: 'stream-start', warnings: [] }, { type: 'text-start', id: '0' }, ...[...text].map((delta) => ({ type: 'text-delta', id: '0', delta })),
          { type: 'text-end', id: '0' }, { type: 'finish', finishReason: modelId === 'mute' ? 'unknown' : 'stop', usage }];
        return { stream: new ReadableStream({ pull: (controller) => (parts.length > 0 ? controller.enqueue(parts.shift()) : controller.close()) }) };
      },
    }),
  };
}
`;
