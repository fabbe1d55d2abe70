import { type ConfigSource, readConfig } from '../platform/config.ts';
import { readModelFile } from '../platform/local-model/model-file.ts';
import { modelFolder, servedModelPath } from '../platform/local-model/open.ts';

/** What `sluice models` has to know of this machine. */
export function modelShelf(source: ConfigSource) {
  const { settings } = readConfig(source);
  return {
    folder: modelFolder(settings.dataDir),
    served: servedModelPath(settings),
    mirror: settings.modelMirror,
    token: settings.hfToken,
    look: readModelFile,
  };
}
