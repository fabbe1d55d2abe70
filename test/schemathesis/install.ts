import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installPackages } from '../../scripts/testing/debian.ts';
import { run } from '../../scripts/testing/process.ts';

/** How to start a Python module of what requirements.txt names. */
export type Python = { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> };

const FOLDER = join(import.meta.dir, '../../.tools/schemathesis');
const REQUIREMENTS = join(import.meta.dir, 'requirements.txt');
const INSTALL_LIMIT_MS = 5 * 60_000;

/** Installs it once, outside git; again when requirements.txt has changed. Throws with what to do when it cannot. */
export async function installSchemathesis(): Promise<Python> {
  const wanted = await readFile(REQUIREMENTS, 'utf8');
  const stamp = join(FOLDER, 'installed.txt');
  const installed = existsSync(stamp) ? await readFile(stamp, 'utf8') : '';
  if (installed !== wanted) {
    await rm(FOLDER, { recursive: true, force: true });
    await mkdir(FOLDER, { recursive: true });
    await install();
    await writeFile(stamp, wanted);
  }
  return existsSync(venvPython()) ? { command: [venvPython()], env: {} } : { command: [python()], env: { PYTHONPATH: join(FOLDER, 'packages') } };
}

async function install(): Promise<void> {
  const uv = Bun.which('uv');
  if (uv && (await works([uv, 'venv', '--quiet', '--allow-existing', FOLDER]))) {
    if (await works([uv, 'pip', 'install', '--quiet', '--python', venvPython(), '--requirement', REQUIREMENTS])) return;
  }
  // A fresh Debian has Python without venv and pip: they are packages of their own.
  if (!Bun.which('python3') || !(await works([python(), '-m', 'venv', FOLDER]))) await installPackages(['python3', 'python3-venv', 'python3-pip']);
  if (existsSync(join(FOLDER, 'bin/pip')) || (await works([python(), '-m', 'venv', FOLDER]))) {
    if (await works([venvPython(), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS])) return;
  }
  await rm(join(FOLDER, 'bin'), { recursive: true, force: true });
  if (await works([python(), '-m', 'pip', 'install', '--quiet', '--target', join(FOLDER, 'packages'), '--requirement', REQUIREMENTS])) return;
  throw new Error('schemathesis could not be installed: it needs uv, or python3 with venv or pip, and PyPI');
}

async function works(command: readonly string[]): Promise<boolean> {
  return (await run({ command, limitMs: INSTALL_LIMIT_MS })).exitCode === 0;
}

function python(): string {
  return Bun.which('python3') ?? 'python3';
}

function venvPython(): string {
  return join(FOLDER, 'bin/python');
}
