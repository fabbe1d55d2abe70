import { allRoutes } from '../features/index.ts';
import { documentText } from '../features/docs/document.ts';
import { type ConfigSource, readConfig } from '../platform/config.ts';
import { snapshot } from './snapshot.ts';

/** `sluice openapi`: the document that this configuration would serve, without starting anything. */
export async function openapiText(source: ConfigSource): Promise<string> {
  const read = readConfig(source);
  const { settings, allowAnonymous } = await snapshot(read, 1);
  return documentText(allRoutes(settings), { appName: settings.appName, allowAnonymous });
}
