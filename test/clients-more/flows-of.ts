import { join } from 'node:path';
import { run } from '../../scripts/testing/process.ts';
import { type Asking, type Client, LIMIT_MS, type Outcome, type Program } from './client.ts';
import { installPackages } from './install.ts';

/** Libraries: each has a file of flows, which it does by itself and tells of in lines of JSON. */
export function pythonClient(name: string, packages: readonly string[], flows: readonly string[]): Client {
  const file = join(import.meta.dir, `${name.replaceAll('-', '_')}_flows.py`);
  return {
    name,
    install: () => installPackages(name, packages),
    flows,
    ask: (program, asking) => runFlows(program, file, asking),
  };
}

export async function runFlows({ command, env }: Program, file: string, { url, key, model, folder }: Asking): Promise<readonly Outcome[]> {
  const { exitCode, output } = await run({
    command: [...command, file, url, key, model],
    cwd: folder,
    limitMs: LIMIT_MS,
    env: { ...env, ...OFFLINE, HOME: folder },
    isQuiet: true,
  });
  const told = output
    .split('\n')
    .filter((line) => line.startsWith('{"flow"'))
    .map((line) => JSON.parse(line) as Outcome);
  if (told.length === 0) throw new Error(`it ended with ${exitCode}: ${output.slice(-2000)}`);
  return told;
}

/** These ask the world for tables that they have already. */
const OFFLINE = { LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS: 'True', OPENAI_AGENTS_DISABLE_TRACING: '1' };
