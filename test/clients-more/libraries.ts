import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from './client.ts';
import { pythonClient, runFlows } from './flows-of.ts';
import { installModules } from './install.ts';

const agentsFile = 'openai-agents-flows.js';

export const LIBRARIES: readonly Client[] = [
  pythonClient(
    'langchain',
    ['langchain==1.4.7', 'langchain-openai==1.7.3', 'langchain-anthropic==1.7.7'],
    ['chat', 'stream', 'agent', 'structured', 'embeddings'],
  ),
  pythonClient(
    'llama-index',
    // Its package for Anthropic makes objects of types that later clients of Anthropic have as unions.
    ['llama-index==0.14.25', 'llama-index-llms-openai-like==0.8.0', 'llama-index-llms-anthropic==0.12.3', 'anthropic==0.125.0'],
    ['chat', 'stream', 'agent', 'structured', 'embeddings', 'retrieval'],
  ),
  pythonClient(
    'instructor',
    ['instructor==1.17.0', 'openai==3.3.0', 'anthropic==2.12.0'],
    ['by_tools', 'by_schema', 'by_responses', 'by_messages', 'in_pieces'],
  ),
  pythonClient('openai-agents', ['openai-agents==0.24.0'], ['chat', 'stream', 'tools', 'streamed_tools', 'structured', 'handoff']),
  // It imports mcp for a call with tools, and does not say so.
  pythonClient('litellm', ['litellm==1.106.2', 'mcp==2.3.0'], ['chat', 'stream', 'tools', 'structured', 'responses', 'embeddings', 'errors']),
  pythonClient('pydantic-ai', ['pydantic-ai==2.62.0'], ['chat', 'stream', 'tools', 'structured']),
  {
    name: 'openai-agents-js',
    async install() {
      const folder = await installModules('openai-agents-js', { '@openai/agents': '0.20.0', openai: '7.57.0', zod: '4.6.7' });
      // What it imports is looked for beside it.
      await copyFile(join(import.meta.dir, agentsFile), join(folder, agentsFile));
      return { command: [process.execPath, 'run', '--cwd', folder], env: {} };
    },
    flows: ['chat', 'stream', 'tools', 'streamed_tools', 'structured'],
    ask: (program, asking) => runFlows(program, agentsFile, asking),
  },
];
