import { readFile } from 'node:fs/promises';
import { type StoredFile, storedFile } from './stored-file.ts';

/** The files of the docs pages: two packages' bundles from node_modules, and our own beside this one. Nothing else can be asked for. */
const SOURCES = {
  'swagger-ui.js': { type: 'text/javascript', url: import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js') },
  'swagger-ui.css': { type: 'text/css', url: import.meta.resolve('swagger-ui-dist/swagger-ui.css') },
  'swagger-init.js': { type: 'text/javascript', url: own('swagger-init.js') },
  'redoc.js': { type: 'text/javascript', url: import.meta.resolve('redoc/bundles/redoc.standalone.js') },
  'redoc-init.js': { type: 'text/javascript', url: own('redoc-init.js') },
  'docs.css': { type: 'text/css', url: own('docs.css') },
  'home.css': { type: 'text/css', url: own('home.css') },
  'icon.svg': { type: 'image/svg+xml', url: own('icon.svg') },
} as const;

export type AssetName = keyof typeof SOURCES;
export type Assets = {
  /** Where a page finds it: the name holds the content's hash, so that it may be kept for ever. */
  readonly path: (name: AssetName) => string;
  readonly find: (file: string) => StoredFile | undefined;
};

/** ReDoc shows its maker's logo from another host; nobody's visit here is that host's business. */
const FOREIGN_LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg';
const NO_LOGO = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg"/>')}`;

export async function readAssets(): Promise<Assets> {
  const names = Object.keys(SOURCES) as AssetName[];
  const stored = new Map(await Promise.all(names.map(async (name) => [name, await readAsset(name)] as const)));
  const paths = new Map([...stored].map(([name, file]) => [name, hashedName(name, file.hash)]));
  const byPath = new Map([...stored].map(([name, file]) => [paths.get(name), file]));
  return {
    // Relative to /docs and /redoc, so that a proxy may put the service below a path of its own.
    path: (name) => `docs/assets/${paths.get(name) ?? name}`,
    find: (file) => byPath.get(file),
  };
}

async function readAsset(name: AssetName): Promise<StoredFile> {
  const { type, url } = SOURCES[name];
  const text = await readFile(new URL(url), 'utf8');
  return storedFile(`${type}; charset=utf-8`, name === 'redoc.js' ? text.replaceAll(FOREIGN_LOGO, NO_LOGO) : text);
}

function own(file: string): string {
  return new URL(`files/${file}`, import.meta.url).href;
}

function hashedName(name: string, hash: string): string {
  const dot = name.lastIndexOf('.');
  return `${name.slice(0, dot)}.${hash}${name.slice(dot)}`;
}
