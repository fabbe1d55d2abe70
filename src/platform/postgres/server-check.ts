import type { Log } from '../../app.ts';
import { DatabaseStartError } from './database-start-error.ts';

/** What a server says about itself, in the names of its settings. */
export type ServerFacts = {
  readonly version: number;
  readonly version_text: string;
  readonly fsync: string;
  readonly synchronous_commit: string;
  readonly standby: boolean;
  readonly encoding: string;
};

const OLDEST_VERSION = 14;

/** Refuses a server that cannot do what is asked of it, and warns of one that forgets. */
export function checkServer(facts: ServerFacts, server: string, log: Pick<Log, 'warning'>): void {
  if (facts.version < OLDEST_VERSION * 10_000) {
    throw new DatabaseStartError(
      `${server} is Postgres ${facts.version_text}; Sluice needs ${OLDEST_VERSION} or newer.`,
      'Upgrade the server, or name a newer one in DATABASE_URL.',
    );
  }
  if (facts.standby) throw new DatabaseStartError(`${server} is a read-only replica.`, 'Name the primary server in DATABASE_URL.');
  if (facts.encoding !== 'UTF8') {
    throw new DatabaseStartError(`${server} keeps text as ${facts.encoding}, which cannot hold every language.`, "Create the database with `encoding 'UTF8'`.");
  }
  for (const setting of ['fsync', 'synchronous_commit'] as const) {
    if (facts[setting] !== 'off') continue;
    log.warning(`the database runs with ${setting} = off: what was answered as stored can be lost when the machine stops`, { server });
  }
}
