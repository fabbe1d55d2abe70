import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages } from './debian.ts';
import { freePort } from './free-port.ts';

/** A Postgres server of Debian for one test run: a new cluster in a temporary folder, with a password, on a free port of loopback. */
export type PostgresServer = {
  readonly url: string;
  readonly stop: () => Promise<void>;
  /** It dies as it stands, and is started again on what it left. */
  readonly kill: () => Promise<void>;
};

const START_LIMIT_MS = 60_000;

export async function startPostgresServer(): Promise<PostgresServer | { readonly notRun: string }> {
  const programs = findPrograms() ?? (await installServer());
  if ('notRun' in programs) return programs;
  const folder = await mkdtemp(join(tmpdir(), 'sluice-postgres-'));
  try {
    return await startIn(folder, programs);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

type Programs = { readonly initdb: string; readonly postgres: string };

function findPrograms(): Programs | null {
  const versions = [...new Bun.Glob('/usr/lib/postgresql/*/bin/initdb').scanSync({ absolute: true })].toSorted().toReversed();
  const initdb = versions[0] ?? Bun.which('initdb');
  return initdb ? { initdb, postgres: initdb.replace(/initdb$/, 'postgres') } : null;
}

async function installServer(): Promise<Programs | { readonly notRun: string }> {
  // Read by postgresql-common before it makes and starts a cluster that nobody asked for.
  const settings = '/etc/postgresql-common/createcluster.d';
  const ours = join(settings, 'sluice-test.conf');
  if (process.getuid?.() === 0) {
    await mkdir(settings, { recursive: true });
    await writeFile(ours, 'create_main_cluster = false\n');
  }
  const refusal = await installPackages(['postgresql']);
  await rm(ours, { force: true });
  if (refusal !== null) return { notRun: `there is no Postgres server on this machine; ${refusal}` };
  return findPrograms() ?? { notRun: 'postgresql is installed, but initdb is not in /usr/lib/postgresql/*/bin' };
}

async function startIn(folder: string, { initdb, postgres }: Programs): Promise<PostgresServer> {
  const password = crypto.randomUUID();
  const passwordFile = join(folder, 'password');
  const cluster = join(folder, 'cluster');
  await writeFile(passwordFile, password);
  const owner = await handOver([folder, passwordFile]);
  const words = ['--auth=scram-sha-256', '--username=sluice', '--encoding=UTF8', '--locale=C', `--pwfile=${passwordFile}`, `--pgdata=${cluster}`];
  const made = Bun.spawn([...owner, initdb, ...words], { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit', cwd: folder });
  if ((await made.exited) !== 0) throw new Error('initdb failed; its words are above');
  const port = await freePort();
  const start = (): Promise<Bun.Subprocess> => {
    const command = [...owner, postgres, '-D', cluster, '-k', folder, '-p', String(port), '-c', 'listen_addresses=127.0.0.1'];
    return started(Bun.spawn(command, { stdin: 'ignore', stdout: 'ignore', stderr: Bun.file(join(folder, 'log')), cwd: folder }), cluster);
  };
  let server = await start().catch(async (error: unknown) => {
    console.error(await Bun.file(join(folder, 'log')).text());
    throw error;
  });
  return {
    url: `postgres://sluice:${password}@127.0.0.1:${port}/postgres`,
    async stop() {
      server.kill('SIGINT');
      await server.exited;
      await rm(folder, { recursive: true, force: true });
    },
    async kill() {
      server.kill('SIGKILL');
      await server.exited;
      // It refuses to start while one of its processes is left over, which they are for a moment.
      const deadline = performance.now() + START_LIMIT_MS;
      for (;;) {
        try {
          server = await start();
          return;
        } catch (error) {
          if (performance.now() > deadline) throw error;
          await Bun.sleep(100);
        }
      }
    },
  };
}

/** Postgres refuses to run as root. The answer is what to put before a command so that the owner of the folder runs it. */
async function handOver(paths: readonly string[]): Promise<readonly string[]> {
  // It goes with this process, even when that is killed.
  const tied = Bun.which('setpriv') === null ? [] : ['setpriv', '--pdeathsig', 'INT'];
  if (process.getuid?.() !== 0) return tied;
  const user = Number(await Bun.$`id -u postgres`.text());
  const group = Number(await Bun.$`id -g postgres`.text());
  for (const path of paths) await chown(path, user, group);
  return ['setpriv', '--pdeathsig', 'INT', `--reuid=${user}`, `--regid=${group}`, '--clear-groups'];
}

/** The server writes its id into the first line of its pid file, and `ready` into the last once it takes connections. */
async function started(server: Bun.Subprocess, cluster: string): Promise<Bun.Subprocess> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadline) {
    if (server.exitCode !== null) throw new Error('the Postgres server ended while starting');
    const text = await Bun.file(join(cluster, 'postmaster.pid'))
      .text()
      .catch(() => '');
    if (text.startsWith(`${server.pid}\n`) && text.trimEnd().endsWith('ready')) return server;
    await Bun.sleep(50);
  }
  server.kill('SIGINT');
  await server.exited;
  throw new Error(`the Postgres server was not ready after ${START_LIMIT_MS / 1000} s`);
}
