import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../../scripts/testing/process.ts';
import { installPython } from '../../scripts/testing/python.ts';
import type { Program } from './client.ts';

/** Every client is a package of a registry, of one version, in a folder of its own outside git. */
const TOOLS = join(import.meta.dir, '../../.tools');
const INSTALL_LIMIT_MS = 10 * 60_000;
const UV = 'uv==0.13.9';

/** Without uv, pip tries versions of some of these against each other for minutes. */
export async function bringUv(): Promise<void> {
  if (Bun.which('uv') !== null) return;
  const { command } = await installPackages('uv', [UV]);
  process.env['PATH'] = `${dirname(command[0] ?? '')}:${process.env['PATH']}`;
}

/** A Python with these packages; with a `script` the command is that of the script that comes with them. */
export async function installPackages(name: string, packages: readonly string[], script?: string): Promise<Program> {
  const list = join(TOOLS, `client-${name}.txt`);
  await mkdir(TOOLS, { recursive: true });
  await writeFile(list, `${packages.join('\n')}\n`);
  const python = await installPython(`client-${name}`, list);
  const env = { ...python.env, PYTHONDONTWRITEBYTECODE: '1' };
  if (script === undefined) return { command: python.command, env };
  const found = [join(TOOLS, `client-${name}/bin`, script), join(TOOLS, `client-${name}/packages/bin`, script)].find(existsSync);
  if (found === undefined) throw new Error(`${name} brought no ${script}`);
  return { command: [found], env };
}

/** The folder that has these packages of npm; none of them runs a script of its own when it is installed. */
export async function installModules(name: string, packages: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(TOOLS, `client-${name}`);
  const manifest = `${JSON.stringify({ private: true, dependencies: packages })}\n`;
  const stamp = join(folder, 'installed.txt');
  const installed = existsSync(stamp) ? await readFile(stamp, 'utf8') : '';
  if (installed === manifest) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), manifest);
  const command = [process.execPath, 'install', '--ignore-scripts'];
  const { exitCode, output } = await run({ command, cwd: folder, limitMs: INSTALL_LIMIT_MS, isQuiet: true });
  if (exitCode !== 0) throw new Error(`${name} could not be installed: ${output.slice(-1000)}`);
  await writeFile(stamp, manifest);
  return folder;
}
