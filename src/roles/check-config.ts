import { type ConfigSource, readConfig } from '../platform/config.ts';
import { ConfigError } from '../platform/config/config-error.ts';
import { describeConfig } from '../platform/config/describe.ts';
import { snapshot } from './snapshot.ts';

/** `sluice config check`: what is in force and where it comes from, or everything that is wrong with it. */
export async function checkConfig(source: ConfigSource, { json }: { readonly json: boolean }): Promise<number> {
  try {
    const read = readConfig(source);
    await snapshot(read, 1);
    const rows = describeConfig(read);
    if (json) print(JSON.stringify({ ok: true, settings: rows, warnings: read.warnings }));
    else print([...table(rows), ...read.warnings.map((warning) => `warning: ${warning}`), 'The configuration is good.'].join('\n'));
    return 0;
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    if (json) print(JSON.stringify({ ok: false, problems: cause.problems }));
    else process.stderr.write(`${cause.message}\n`);
    return 1;
  }
}

function table(rows: readonly { readonly name: string; readonly value: string; readonly source: string }[]): string[] {
  const nameWidth = Math.max(...rows.map((row) => row.name.length));
  const valueWidth = Math.min(48, Math.max(...rows.map((row) => row.value.length)));
  return rows.map((row) => `${row.name.padEnd(nameWidth)}  ${row.value.padEnd(valueWidth)}  ${row.source}`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
