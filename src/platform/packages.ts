import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Where the service itself and its packages are. */
const PROJECT = resolve(import.meta.dir, '../..');

/** Where packages are looked for that a configuration names: those that were installed for it, and then those that came with the service. */
export function packageFolders(dataDir: string): readonly string[] {
  return [resolve(dataDir), PROJECT];
}

/** What a package exports, or null where it is not installed. Nothing is ever fetched from anywhere. */
export async function loadPackage(name: string, folders: readonly string[]): Promise<Readonly<Record<string, unknown>> | null> {
  // Asked for a package in a folder without any, Bun would take it from its own cache, or from the network.
  const folder = folders.find((each) => existsSync(join(each, 'node_modules', installedName(name), 'package.json')));
  if (folder === undefined) return null;
  return (await import(pathToFileURL(Bun.resolveSync(name, folder)).href)) as Readonly<Record<string, unknown>>;
}

/** Without the part of it that is meant: `@ai-sdk/google-vertex` of `@ai-sdk/google-vertex/anthropic`. */
export function installedName(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}
