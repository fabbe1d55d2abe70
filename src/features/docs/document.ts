import type { App } from '../../app.ts';
import { VERSION } from '../../contract/version.ts';
import { openapiDocument } from '../../http/openapi.ts';
import type { Route } from '../../http/route.ts';
import { type StoredFile, storedFile } from './stored-file.ts';

type Shown = { readonly appName: string; readonly allowAnonymous: boolean };

/** The document as text, as it is served, printed and checked in. */
export function documentText(routes: readonly Route[], { appName, allowAnonymous }: Shown): string {
  return `${JSON.stringify(openapiDocument(routes, { title: appName, version: VERSION, allowAnonymous }), null, 2)}\n`;
}

/** Built when it is first asked for, and again when the configuration has changed. */
export function createDocument(routes: readonly Route[]): (app: Pick<App, 'config'>) => StoredFile {
  let built: { readonly configVersion: number; readonly file: StoredFile } | null = null;
  return (app) => {
    const { version, settings, allowAnonymous } = app.config();
    if (built?.configVersion !== version) {
      built = {
        configVersion: version,
        file: storedFile('application/json; charset=utf-8', documentText(routes, { appName: settings.appName, allowAnonymous })),
      };
    }
    return built.file;
  };
}
