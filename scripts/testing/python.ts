import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installPackages } from './debian.ts';
import { run } from './process.ts';

/** How to start a Python module of what a requirements.txt names. */
export type Python = { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> };

const TOOLS = join(import.meta.dir, '../../.tools');
const INSTALL_LIMIT_MS = 5 * 60_000;

/** Installs it once, outside git; again when the file has changed. Throws with what to do when it cannot. */
export async function installPython(name: string, requirements: string): Promise<Python> {
  const folder = join(TOOLS, name);
  const wanted = await readFile(requirements, 'utf8');
  const stamp = join(folder, 'installed.txt');
  const installed = existsSync(stamp) ? await readFile(stamp, 'utf8') : '';
  if (installed !== wanted) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await install(name, folder, requirements);
    await writeFile(stamp, wanted);
  }
  const own = venvPython(folder);
  return existsSync(own) ? { command: [own], env: {} } : { command: [python()], env: { PYTHONPATH: join(folder, 'packages') } };
}

async function install(name: string, folder: string, requirements: string): Promise<void> {
  // Looked for where the PATH leads now: who installs much may have brought it just before.
  const uv = Bun.which('uv', { PATH: process.env['PATH'] ?? '' });
  if (uv && (await works([uv, 'venv', '--quiet', '--allow-existing', folder]))) {
    if (await works([uv, 'pip', 'install', '--quiet', '--python', venvPython(folder), '--requirement', requirements])) return;
  }
  // A fresh Debian has Python without venv and pip: they are packages of their own.
  if (!Bun.which('python3') || !(await works([python(), '-m', 'venv', folder]))) await installPackages(['python3', 'python3-venv', 'python3-pip']);
  if (existsSync(join(folder, 'bin/pip')) || (await works([python(), '-m', 'venv', folder]))) {
    if (await works([venvPython(folder), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements])) return;
  }
  await rm(join(folder, 'bin'), { recursive: true, force: true });
  if (await works([python(), '-m', 'pip', 'install', '--quiet', '--target', join(folder, 'packages'), '--requirement', requirements])) return;
  throw new Error(`${name} could not be installed: it needs uv, or python3 with venv or pip, and PyPI`);
}

async function works(command: readonly string[]): Promise<boolean> {
  return (await run({ command, limitMs: INSTALL_LIMIT_MS })).exitCode === 0;
}

function python(): string {
  return Bun.which('python3') ?? 'python3';
}

function venvPython(folder: string): string {
  return join(folder, 'bin/python');
}
