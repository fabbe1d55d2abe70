import { createInterface } from 'node:readline';
import type { Log } from '../../app.ts';
import { DatabaseStartError, messageOf } from './database-start-error.ts';
import { openDatabase } from './open.ts';

/**
 * A process that holds the database of a folder, for tests that kill one: `bun database-process.test-program.ts <folder>`. It prints one JSON object a
 * line, and takes `add <word>`, `list` and `close` from stdin.
 */
function say(event: string, fields: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

const logged: string[] = [];
const note = (message: string): void => void logged.push(message);
const log: Log = { debug: note, info: note, warning: note, error: note };

try {
  const startedAt = performance.now();
  const database = await openDatabase({ databaseUrl: null, dataDir: process.argv[2] ?? '', log });
  say('ready', { ms: performance.now() - startedAt, where: database.where, host: database.pool.options.host, logged });
  // Two that create one table at the same moment fail, `if not exists` or not.
  await database.pool.query('do $$ begin perform pg_advisory_xact_lock(1); create table if not exists marks (word text); end $$');
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, word] = line.split(' ');
    if (command === 'close') break;
    try {
      if (command === 'add') await database.pool.query('insert into marks values ($1)', [word]);
      const { rows } = await database.pool.query<{ word: string }>('select word from marks order by word');
      say('marks', { words: rows.map((row) => row.word) });
    } catch (error) {
      say('failed', { message: messageOf(error) });
    }
  }
  await database.close();
  say('closed', { logged });
} catch (error) {
  say('refused', { message: messageOf(error), hint: error instanceof DatabaseStartError ? error.hint : null });
}
