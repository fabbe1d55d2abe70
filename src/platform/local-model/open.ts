import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Clock, Log } from '../../app.ts';
import { SETTINGS, type Settings } from '../../contract/settings.ts';
import type { LocalFacts, LocalModel, LocalModels } from '../../core/local-model.ts';
import { launchModel } from './launch.ts';
import { readModelFile } from './model-file.ts';
import { createRunner, type Runner } from './runner.ts';
import type { ModelOptions } from './words.ts';

export type OpenLocalModels = {
  /** Looks anew which files there are. */
  readonly models: LocalModels;
  /** Loads the first in the background, so that the first caller need not wait. */
  readonly warm: () => void;
  /** Calls back when files came or went. */
  readonly watch: (changed: () => void) => void;
  readonly close: () => void;
};

type Needs = {
  readonly settings: Pick<
    Settings,
    'dataDir' | 'localModel' | 'localModelPath' | 'localModelThreads' | 'localModelContext' | 'localModelParallel' | 'localModelQueue' | 'localModelIdleS'
  >;
  readonly clock: Clock;
  readonly log: Log;
};
type Known = { readonly model: LocalModel; readonly runner: Runner };

const EXTENSION = '.gguf';

/** The model files of this machine: the one that a setting names, and those that were pulled. */
export function openLocalModels(needs: Needs): OpenLocalModels {
  const known = new Map<string, Known>();
  const modelAt = (path: string): LocalModel => {
    const key = `${path} ${fingerprint(path)}`;
    const found = known.get(key) ?? openModel(needs, path);
    known.set(key, found);
    return found.model;
  };
  const models = (): readonly LocalModel[] => {
    const found = modelPaths(needs).map(modelAt);
    forget(known, new Set(found));
    return found;
  };
  let stopLooking: (() => unknown) | null = null;
  return {
    models,
    watch(changed) {
      stopLooking = everyChange(needs, changed);
    },
    warm() {
      const [first] = models();
      for (const { model, runner } of known.values()) if (model === first) runner.warm();
    },
    close() {
      stopLooking?.();
      for (const { runner } of known.values()) runner.close();
    },
  };
}

/** The folder of the models that were pulled. */
export function modelFolder(dataDir: string): string {
  return join(resolve(dataDir), 'models');
}

/** The file that `local` means; null where there is none. */
export function servedModelPath(settings: Pick<Settings, 'dataDir' | 'localModel' | 'localModelPath'>): string | null {
  return modelPaths({ settings })[0] ?? null;
}

/** The one that is meant by `local` first. */
function modelPaths({ settings }: { readonly settings: Pick<Settings, 'dataDir' | 'localModel' | 'localModelPath'> }): string[] {
  const folder = modelFolder(settings.dataDir);
  const pulled = filesIn(folder).filter((name) => name.endsWith(EXTENSION));
  const paths = pulled.toSorted().map((name) => join(folder, name));
  return [...new Set([...firstPath(settings, folder, paths), ...paths])];
}

/** One that somebody named and that is not there is told to be missing, and no other one answers for it. */
function firstPath({ localModel, localModelPath }: Pick<Settings, 'localModel' | 'localModelPath'>, folder: string, paths: readonly string[]): string[] {
  if (localModelPath !== null) return [resolve(localModelPath)];
  const named = join(folder, localModel + EXTENSION);
  return paths.includes(named) || localModel !== SETTINGS.localModel.default ? [named] : [];
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const LOOK_MS = 2000;

/** A model that was pulled can be called at once. */
function everyChange(needs: Needs, changed: () => void): () => unknown {
  const mark = (): string =>
    modelPaths(needs)
      .map((path) => `${path} ${fingerprint(path)}`)
      .join('\n');
  let seen = mark();
  let cancel: () => unknown;
  const lookLater = (): void => {
    cancel = needs.clock.after(LOOK_MS, () => {
      const now = mark();
      if (now !== seen) changed();
      seen = now;
      lookLater();
    });
  };
  lookLater();
  return () => cancel();
}

/** The processes of files that went, once nobody waits for them. */
function forget(known: Map<string, Known>, found: ReadonlySet<LocalModel>): void {
  for (const [key, { model, runner }] of known) {
    if (found.has(model) || runner.isBusy()) continue;
    runner.close();
    known.delete(key);
  }
}

/** A file that was replaced is another model. */
function fingerprint(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.size} ${found.mtimeMs}` : 'absent';
}

function openModel({ settings, clock, log }: Needs, path: string): Known {
  const name = nameOf(path);
  const runner = createRunner({
    name,
    path,
    options: () => modelOptions(settings, path),
    idleMs: settings.localModelIdleS * 1000,
    waitingMax: settings.localModelQueue,
    launch: launchModel,
    clock,
    log,
  });
  const { state, generate, embed } = runner;
  return { runner, model: { name, facts: factsOf(settings, path), state, generate, embed } };
}

/** As a caller writes it after `local/`. */
function nameOf(path: string): string {
  const name = basename(path).replace(/\.gguf$/i, '');
  return name.replaceAll(/[^\w.-]+/g, '-') || 'model';
}

function modelOptions(settings: Needs['settings'], path: string): ModelOptions {
  const { makes, contextTokens } = readModelFile(path);
  return {
    path,
    makes,
    // One core stays free for the service: where the threads of a model have to share theirs, each waits for the slowest.
    threads: settings.localModelThreads === 0 ? Math.max(1, availableParallelism() - 1) : settings.localModelThreads,
    contextTokens: Math.min(contextTokens, settings.localModelContext),
    // Vectors are made one text after the other.
    parallel: makes === 'vectors' ? 1 : settings.localModelParallel,
  };
}

/** What can be said before it is loaded; of a file that cannot be read, what it would be. */
function factsOf({ localModelContext }: Needs['settings'], path: string): LocalFacts {
  try {
    const { makes, contextTokens } = readModelFile(path);
    return { makes, contextTokens: Math.min(contextTokens, localModelContext), problem: null };
  } catch (cause) {
    return { makes: 'text', contextTokens: localModelContext, problem: cause instanceof Error ? cause.message : String(cause) };
  }
}
