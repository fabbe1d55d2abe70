import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeGguf, type GgufFile } from './gguf/writer.ts';
import { type Sluice, startSluice } from './harness.ts';

/** A service with these models in its folder, each under its name; the first is the one that `local` means. */
export function startWithModels(models: Readonly<Record<string, GgufFile>>, env: Record<string, string> = {}): Promise<Sluice> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const folder = join(dataDir, 'models');
  mkdirSync(folder);
  for (const [name, file] of Object.entries(models)) writeGguf(join(folder, `${name}.gguf`), file);
  return startSluice({ dataDir, env: { LOCAL_MODEL: Object.keys(models)[0] ?? '', LOCAL_MODEL_THREADS: '1', ...env } });
}

/** The process of a model that is loaded. */
export function modelProcess(sluice: Sluice, model: string): number {
  const ready = sluice.logs().findLast((line) => line.message === 'the local model is ready' && line['model'] === model);
  if (typeof ready?.['pid'] !== 'number') throw new Error(`${model} is not loaded`);
  return ready['pid'];
}
