import { run } from './process.ts';

/** Packages of Debian that a test needs and a fresh machine lacks: installed where that is possible, told apart where it is not. */
const INSTALL_LIMIT_MS = 10 * 60_000;

let updated = false;

/** Says why it could not, or null when they are there now. */
export async function installPackages(names: readonly string[]): Promise<string | null> {
  if (Bun.which('apt-get') === null) return `this system has no apt-get to install ${names.join(', ')} with`;
  if (process.getuid?.() !== 0) return `install it as root: apt-get install ${names.join(' ')}`;
  if (!updated) await apt(['update']);
  updated = true;
  const installed = await apt(['install', '--yes', '--no-install-recommends', ...names]);
  return installed ? null : `apt-get could not install ${names.join(', ')}`;
}

async function apt(words: readonly string[]): Promise<boolean> {
  const ended = await run({ command: ['apt-get', '--quiet', ...words], limitMs: INSTALL_LIMIT_MS, env: { DEBIAN_FRONTEND: 'noninteractive' } });
  return ended.exitCode === 0;
}
