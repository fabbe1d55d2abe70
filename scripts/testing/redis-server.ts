import { RedisClient } from 'bun';
import { installPackages } from './debian.ts';
import { freePort } from './free-port.ts';

/** A Redis or Valkey server for one test, on a port of loopback, with nothing on disk. */
export type RedisServer = {
  readonly url: string;
  readonly port: number;
  readonly signal: (name: NodeJS.Signals) => void;
  readonly stop: () => Promise<void>;
};

const START_LIMIT_MS = 10_000;

/** Installs the server where that is needed and possible; says why it could not, and then no test that needs it can be. */
export async function bringRedis(): Promise<boolean> {
  if (findProgram() !== null) return true;
  const refusal = await installPackages(['redis-tools']);
  if (findProgram() !== null) return true;
  console.log(`There is no Redis server on this machine; ${refusal ?? 'redis-tools does not bring it'}`);
  return false;
}

/** With a port, there: for one that comes back. */
export async function startRedisServer(port?: number): Promise<RedisServer> {
  const program = findProgram();
  if (program === null) throw new Error('there is no Redis server: ask bringRedis first');
  const at = port ?? (await freePort());
  // It goes with this process, even when that is killed.
  const tied = Bun.which('setpriv') === null ? [] : ['setpriv', '--pdeathsig', 'KILL'];
  const server = Bun.spawn([...tied, ...program, '--port', String(at), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
  });
  const url = `redis://127.0.0.1:${at}`;
  await untilReady(url, () => server.exitCode);
  return {
    url,
    port: at,
    signal: (name) => server.kill(name),
    async stop() {
      server.kill('SIGKILL');
      await server.exited;
    },
  };
}

function findProgram(): readonly string[] | null {
  const server = Bun.which('redis-server') ?? Bun.which('valkey-server');
  if (server !== null) return [server];
  // The same program under another name, from the package that starts no service.
  const other = Bun.which('redis-check-rdb');
  return other === null ? null : ['bash', '-c', 'exec -a redis-server "$0" "$@"', other];
}

async function untilReady(url: string, exitCode: () => number | null): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadline) {
    if (exitCode() !== null) throw new Error('the Redis server ended while starting');
    const client = new RedisClient(url, { autoReconnect: false, enableOfflineQueue: false });
    try {
      await client.connect();
      return;
    } catch {
      await Bun.sleep(20);
    } finally {
      client.close();
    }
  }
  throw new Error(`the Redis server was not ready after ${START_LIMIT_MS / 1000} s`);
}
