import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answered, call, signIn, type Sluice, startSluice } from '../harness.ts';
import { makeDatabase, run, type TestDatabase } from '../test-database.ts';
import type { StoredCall } from './call.ts';

/** A service whose ledger a test writes itself. */
export type World = {
  readonly sluice: Sluice;
  readonly databaseUrl: string;
  readonly alter: (statement: string) => Promise<void>;
  /** Enters calls as the service does. */
  readonly settle: (rows: readonly StoredCall[]) => Promise<void>;
  /** The administrator's. */
  readonly authorization: Record<string, string>;
  /** As the administrator. */
  readonly get: <Body>(path: string) => Promise<Answered<Body>>;
  readonly stop: () => Promise<void>;
};

/** `config` is the text of sluice.config.yaml. */
export async function openWorld({ env = {}, config = '' }: { readonly env?: Record<string, string>; readonly config?: string } = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-usage-'));
  const file = join(folder, 'sluice.config.yaml');
  writeFileSync(file, config);
  const database: TestDatabase = await makeDatabase();
  const sluice = await startSluice({ env: { ...database.env, SLUICE_CONFIG: file, ...env } });
  const databaseUrl = database.urlOf(sluice);
  const authorization = await signIn(sluice.url);
  const alter = (statement: string): Promise<void> => run(databaseUrl, statement);
  return {
    sluice,
    databaseUrl,
    authorization,
    alter,
    settle: (rows) => alter(`select settle('test', $rows$${JSON.stringify(rows)}$rows$)`),
    get: (path) => call(`${sluice.url}${path}`, { headers: authorization }),
    async stop() {
      await sluice.stop();
      await database.drop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A month of the ledger that the service itself has no need for yet. */
export function ledgerMonth(month: string, after: string): string {
  const name = `ledger_${month.replace('-', '_')}`;
  return `create table if not exists ${name} partition of ledger for values from ('${month}-01T00:00:00Z') to ('${after}-01T00:00:00Z')`;
}
