import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files of the project as git knows them: tracked, and new ones that are not ignored. */
export const ROOT = join(import.meta.dir, '..');

export function projectFiles(): readonly string[] {
  // The folder may belong to somebody else than who runs the tests; git is only asked for names.
  const listed = Bun.spawnSync(['git', '-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'], {
    cwd: ROOT,
  });
  if (!listed.success) throw new Error(`git ls-files failed: ${listed.stderr.toString()}`);
  const paths = listed.stdout.toString().split('\0').filter(Boolean);
  return paths.filter((path) => Bun.file(join(ROOT, path)).size > 0);
}

export function readProjectFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
