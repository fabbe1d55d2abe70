import { join } from 'node:path';
import type { ConfigRead } from '../platform/config.ts';
import { type ConfigProblem, ConfigError } from '../platform/config/config-error.ts';
import { installedName, loadPackage, packageFolders } from '../platform/packages.ts';
import type { Packages } from '../providers/index.ts';

/** Loads the packages that providers of a configuration name, before it is put in force. A package that was loaded stays as it is until a restart. */
export async function loadPackages({ settings, file }: Pick<ConfigRead, 'settings' | 'file'>): Promise<Packages> {
  const folders = packageFolders(settings.dataDir);
  const packages = new Map<string, NonNullable<Awaited<ReturnType<typeof loadPackage>>>>();
  const problems: ConfigProblem[] = [];
  for (const [id, { package: name }] of Object.entries(file.providers)) {
    if (name === undefined || packages.has(name)) continue;
    const where = `providers.${id}.package`;
    try {
      const loaded = await loadPackage(name, folders);
      if (loaded === null) problems.push({ where, ...notInstalled(name, folders) });
      else packages.set(name, loaded);
    } catch (cause) {
      const message = `\`${name}\` cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`;
      problems.push({ where, message, hint: 'Install it again, or another version of it.' });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return packages;
}

function notInstalled(name: string, folders: readonly string[]): Omit<ConfigProblem, 'where'> {
  const [dataDir = '.'] = folders;
  return {
    message: `\`${installedName(name)}\` is not installed: it is neither in ${folders.map((folder) => join(folder, 'node_modules')).join(' nor in ')}`,
    hint: `Install it with \`npm install --prefix ${dataDir} ${installedName(name)}\` (or \`bun add --cwd ${dataDir} ${installedName(name)}\`), and start again.`,
  };
}
