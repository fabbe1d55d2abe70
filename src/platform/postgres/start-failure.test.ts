import { describe, expect, test } from 'bun:test';
import { explainStartFailure } from './start-failure.ts';

const PLACE = { cluster: '/srv/sluice/postgres', logFile: '/srv/sluice/postgres.log' };

/** What Postgres 18 and the system really say. */
const CASES = [
  ['FATAL:  could not write lock file "postmaster.pid": No space left on device', 'The disk is full', 'Make room'],
  ['initdb: error: could not create directory "/srv/sluice/postgres/base": Read-only file system', 'cannot be written to', 'writable volume'],
  ['FATAL:  data directory "/srv/sluice/postgres" has wrong ownership', 'belongs to another user', 'chown'],
  ['EACCES EACCES: permission denied, open', 'belongs to another user', 'DATA_DIR'],
  ['initdb: error: could not look up effective user ID 12345: user does not exist', 'has no name', '/etc/passwd'],
  ['FATAL:  database files are incompatible with server', 'another version of Postgres', 'version of Sluice'],
  ['postgres: error while loading shared libraries: libxml2.so.2: cannot open shared object file', 'a library is missing', 'DATABASE_URL'],
  ['PANIC:  could not locate a valid checkpoint record at 0/1750000', 'are damaged', 'backup'],
  ['FATAL:  could not map anonymous shared memory: Cannot allocate memory', 'not enough memory', '256 MB'],
  ['something nobody has seen before', 'does not start', 'log file'],
] as const;

describe('a server that does not start', () => {
  for (const [output, message, hint] of CASES) {
    test(`is explained: ${output}`, () => {
      const error = explainStartFailure(`LOG:  starting PostgreSQL 18.4\n${output}\n`, PLACE);
      expect(error.message).toContain(message);
      expect(error.message).toContain(output.slice(0, 40));
      expect(error.hint).toContain(hint);
      expect(error.hint).toContain(PLACE.logFile);
    });
  }
});
