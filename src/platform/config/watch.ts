import { stat } from 'node:fs/promises';
import type { Clock } from '../../app.ts';
import { SETTINGS, type SettingName, type SettingRow, type Settings } from '../../contract/settings.ts';
import { type ConfigRead, type ConfigSource, readConfig, withoutEnvFile } from '../config.ts';
import { ConfigError } from './config-error.ts';

export type ConfigWatch = {
  /** Reads at once, changed or not: for SIGHUP. */
  readonly reload: () => Promise<void>;
  readonly stop: () => void;
};

type WatchOptions = {
  readonly source: ConfigSource;
  /** What is in force now. */
  readonly first: ConfigRead;
  readonly clock: Pick<Clock, 'after'>;
  /** Called when something differs. `needRestart` names the changed variables that a running process cannot take over; `read` keeps their old values. */
  readonly onChange: (read: ConfigRead, needRestart: readonly string[]) => void | Promise<void>;
  /** The configuration in force stays. */
  readonly onRefused: (error: ConfigError) => void;
};

// Looking beats being told: it also sees files that an editor replaces, links that Kubernetes swaps, and mounts from another machine.
const LOOK_MS = 1000;
// A file that was just written may not be whole yet: it is read when it has stood still for so long.
const SETTLE_MS = 200;

/** Follows .env, sluice.config.yaml and the files of secrets. */
export function watchConfig({ source, first, clock, onChange, onRefused }: WatchOptions): ConfigWatch {
  const environment = withoutEnvFile(source);
  let current = first;
  let seen = '';
  let stopped = false;
  let settling = false;
  let cancel = clock.after(SETTLE_MS, () => void look());

  const readAnew = async (): Promise<void> => {
    try {
      const read = readConfig(environment);
      const { kept, needRestart } = keepWhatNeedsRestart(current, read);
      if (needRestart.length > 0 || fingerprint(kept) !== fingerprint(current)) await onChange(kept, needRestart);
      current = kept;
    } catch (cause) {
      // Whatever goes wrong here, the running process has a configuration that works.
      onRefused(cause instanceof ConfigError ? cause : new ConfigError([{ where: 'configuration', message: String(cause) }]));
    }
  };
  // One after the other, so that the last word is the last one's.
  let reading = Promise.resolve();
  const reload = (): Promise<void> => (reading = reading.then(readAnew));
  async function look(): Promise<void> {
    const now = await fileMarks(current.files);
    if (stopped) return;
    const still = now === seen;
    seen = now;
    if (!still) settling = true;
    else if (settling) {
      settling = false;
      await reload();
      if (stopped) return;
    }
    cancel = clock.after(settling ? SETTLE_MS : LOOK_MS, () => void look());
  }
  return {
    reload,
    stop() {
      stopped = true;
      cancel();
    },
  };
}

function keepWhatNeedsRestart(before: ConfigRead, after: ConfigRead): { kept: ConfigRead; needRestart: string[] } {
  const rows: readonly [string, SettingRow][] = Object.entries(SETTINGS);
  const changed = rows.flatMap(([key, row]) => {
    const name = key as SettingName;
    return row.restart && JSON.stringify(before.settings[name]) !== JSON.stringify(after.settings[name]) ? [name] : [];
  });
  const kept = Object.fromEntries(changed.map((name) => [name, before.settings[name]]));
  const settings = Object.freeze({ ...after.settings, ...kept }) as Settings;
  return { kept: changed.length === 0 ? after : Object.freeze({ ...after, settings }), needRestart: changed.map((name) => SETTINGS[name].env) };
}

function fingerprint({ settings, file }: ConfigRead): string {
  return JSON.stringify([settings, file]);
}

/** Changes whenever one of the files may have: another file in its place, another size, another time, or none. */
async function fileMarks(paths: readonly string[]): Promise<string> {
  const marks = await Promise.all(
    paths.map(async (path) => {
      try {
        const { ino, size, mtimeMs } = await stat(path);
        return `${ino} ${size} ${mtimeMs}`;
      } catch {
        return 'none';
      }
    }),
  );
  return marks.join('\n');
}
