import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import type { Sluice } from './harness.ts';

/** A database that a test may look into, and take away. */
export type TestDatabase = {
  /** For the process that is to use it; nothing where it makes an embedded one. */
  readonly env: Record<string, string>;
  /** Its address, once that process runs. */
  readonly urlOf: (sluice: Pick<Sluice, 'dataDir'>) => string;
  readonly drop: () => Promise<void>;
};

const SERVER = process.env['SLUICE_TEST_DATABASE_URL'];

export async function makeDatabase(): Promise<TestDatabase> {
  if (!SERVER) return { env: {}, urlOf: embeddedUrl, drop: () => Promise.resolve() };
  const name = `sluice_promises_${crypto.randomUUID().slice(0, 8)}`;
  await run(SERVER, `create database ${name}`);
  const url = Object.assign(new URL(SERVER), { pathname: `/${name}` }).href;
  return { env: { DATABASE_URL: url }, urlOf: () => url, drop: () => run(SERVER, `drop database if exists ${name} with (force)`) };
}

function embeddedUrl({ dataDir }: Pick<Sluice, 'dataDir'>): string {
  const [, , , port, folder] = readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n');
  const password = readFileSync(join(dataDir, 'postgres', 'sluice.password'), 'utf8').trim();
  return `postgres://sluice:${encodeURIComponent(password)}@127.0.0.1:${port}/sluice?${new URLSearchParams({ host: folder || '127.0.0.1' }).toString()}`;
}

export async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

export type Gate = { readonly url: string; readonly close: () => void };

/** A way to a database that can be closed: no more connections, and those that there are break off. */
export async function openGate(databaseUrl: string): Promise<Gate> {
  const url = new URL(databaseUrl);
  const folder = url.searchParams.get('host');
  const port = Number(url.port || 5432);
  const sockets = new Set<Socket>();
  const server = createServer((caller) => {
    const database = folder?.startsWith('/') ? connect(`${folder}/.s.PGSQL.${port}`) : connect(port, url.hostname);
    for (const socket of [caller, database]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    caller.pipe(database).pipe(caller);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const through = new URL(databaseUrl);
  through.searchParams.delete('host');
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as { port: number }).port);
  return {
    url: through.href,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
