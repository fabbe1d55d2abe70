import { afterAll, describe, expect, test } from 'bun:test';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { projectFiles, readProjectFile, ROOT } from './tree.ts';

/** The commands, the image and the papers: what nobody would notice breaking until a newcomer does. */
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const VERSION = readProjectFile('.bun-version').trim();
const COMMANDS = [
  'start',
  'dev',
  'test',
  'lint',
  'bench',
  'up',
  'upd',
  'down',
  'stop',
  'build',
  'rm',
  'pull',
  'bash',
  'compose-up',
  'compose-down',
  'smoke',
  'help',
];

describe('the commands', () => {
  test('are all in the Makefile, each with a line of help', () => {
    const targets = new Set([...readProjectFile('Makefile').matchAll(/^([a-z-]+):.*## /gm)].map(([, name = '']) => name));
    expect(COMMANDS.filter((name) => !targets.has(name))).toEqual([]);
  });

  test('are all in build.ps1 too, listed and done', () => {
    const text = readProjectFile('build.ps1');
    const listed = [...text.matchAll(/^ {4}'([a-z-]+)'\s+= '/gm)].map(([, name = '']) => name);
    const done = [...text.matchAll(/^ {4}'([a-z-]+)' \{/gm)].map(([, name = '']) => name);
    expect(listed.toSorted()).toEqual(done.toSorted());
    expect([...COMMANDS, 'dev-api', 'dev-services'].filter((name) => !listed.includes(name))).toEqual([]);
  });

  if (Bun.which('make') !== null) {
    test('that need Docker say so where there is no engine', () => {
      const programs = folderOfPrograms(['sh', 'make', 'cat', 'uname']);
      for (const name of ['up', 'upd', 'build', 'pull', 'bash', 'compose-up', 'compose-down']) {
        const ended = Bun.spawnSync(['make', name], { cwd: ROOT, env: { PATH: programs } });
        expect(ended.exitCode).not.toBe(0);
        expect(ended.stderr.toString()).toContain('needs a running Docker engine');
      }
    });
  }
});

describe('scripts/bun.sh', () => {
  test('brings Bun by npm, in a path with spaces, past what a killed install left, and asks nothing of anybody the second time', () => {
    const clone = fakeClone();
    mkdirSync(join(clone, '.tools/attempt.1/node_modules'), { recursive: true });
    const programs = folderOfPrograms(['sh', 'dirname', 'tr', 'cat', 'cksum', 'uname', 'mkdir', 'rm', 'mv', 'chmod', 'id'], { npm: FAKE_NPM });
    const first = bunSh(clone, programs);
    expect(first).toMatchObject({ exitCode: 0, output: RAN });
    expect(first.errors).toContain('installing Bun');
    expect(existsSync(join(clone, '.tools/attempt.1'))).toBe(false);
    rmSync(join(programs, 'npm'));
    expect(bunSh(clone, programs)).toEqual({ exitCode: 0, output: RAN, errors: '' });
  });

  test('installs the packages again when the lock has changed', () => {
    const clone = fakeClone();
    const programs = folderOfPrograms(['sh', 'dirname', 'tr', 'cat', 'cksum', 'uname', 'mkdir', 'rm', 'mv', 'chmod', 'id'], { npm: FAKE_NPM });
    bunSh(clone, programs);
    writeFileSync(join(clone, 'bun.lock'), 'another');
    expect(bunSh(clone, programs).errors).toContain('installing the packages');
  });

  test('says what to install where there is neither npm nor Bun', () => {
    const ended = bunSh(fakeClone(), folderOfPrograms(['sh', 'dirname', 'tr', 'cat', 'cksum', 'uname', 'mkdir', 'rm', 'id']));
    expect(ended.exitCode).toBe(1);
    expect(ended.errors).toContain('Install Node.js');
  });

  test('says so when npm brings nothing that runs here', () => {
    const programs = folderOfPrograms(['sh', 'dirname', 'tr', 'cat', 'cksum', 'uname', 'mkdir', 'rm', 'mv', 'chmod', 'id'], { npm: '#!/bin/sh\nexit 0\n' });
    const ended = bunSh(fakeClone(), programs);
    expect(ended.exitCode).toBe(1);
    expect(ended.errors).toContain('holds no program that runs on');
  });
});

describe('.ci/run', () => {
  test('ends with the closing line of the tests', () =>
    expect(ciRun('echo work; echo "3 passed, 0 failed"')).toEqual({ exitCode: 0, lines: ['work', '3 passed, 0 failed'] }));

  test('keeps it last when make complains after it', () => {
    const ended = ciRun('echo "3 passed, 2 failed"; echo "make: *** Error 1" >&2; exit 2');
    expect(ended.lines).toEqual(['make: *** Error 1', '3 passed, 2 failed']);
    expect(ended.exitCode).not.toBe(0);
  });

  test('takes a run without a closing line as one failure', () => {
    const ended = ciRun('echo "no network" >&2; exit 1');
    expect(ended.lines.at(-1)).toBe('0 passed, 1 failed');
    expect(ended.exitCode).not.toBe(0);
  });
});

describe('one version of Bun', () => {
  test('is named everywhere', () => {
    const manifest = JSON.parse(readProjectFile('package.json'));
    expect(manifest.devDependencies['bun-types']).toBe(VERSION);
    expect(Bun.semver.satisfies(VERSION, manifest.engines.bun)).toBe(true);
    expect(readProjectFile('deploy/Dockerfile')).toContain(`ARG BUN_VERSION=${VERSION}\n`);
    expect(Bun.version).toBe(VERSION);
  });
});

describe('the image', () => {
  const dockerfile = readProjectFile('deploy/Dockerfile');
  const allowed = readProjectFile('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  test('is made of named files only: no tests, no tools, no secrets', () => {
    expect(allowed[0]).toBe('*');
    const taken = allowed.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const mayBeTaken = new Set(['LICENSE', 'package.json', 'bun.lock', 'bunfig.toml', 'tsconfig.json', 'migrations', 'src', 'docs/openapi.json', 'console']);
    expect(taken.filter((path) => !mayBeTaken.has(path))).toEqual([]);
    for (const pattern of ['src/**/*.test.ts', 'src/**/*.test-program.ts']) expect(allowed).toContain(pattern);
  });

  test('copies what the build is given', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap((match) => (match[1] ?? '').split(' '));
    expect(copied.length).toBeGreaterThan(4);
    expect(copied.filter((path) => !allowed.includes(`!${path}`))).toEqual([]);
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('runs as nobody in particular, listens to all, keeps its data in a volume, and tells its health', () => {
    for (const line of ['USER 10001:10001', 'API_HOST=0.0.0.0', 'DATA_DIR=/data', 'VOLUME /data', '/healthz']) expect(dockerfile).toContain(line);
    expect(dockerfile.lastIndexOf('\nUSER ')).toBeGreaterThan(dockerfile.lastIndexOf('\nRUN '));
  });
});

describe('deploy/compose.yaml', () => {
  const text = readProjectFile('deploy/compose.yaml');
  const compose = parse(text);

  test('boots with no secret that it made up itself', () => {
    for (const [service, { environment = {} }] of Object.entries<{ environment?: Record<string, string | null> }>(compose.services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (!/SECRET|PASSWORD|KEY|TOKEN/.test(name) || value === null) continue;
        expect(`${service} ${name} ${value}`).toStartWith(`${service} ${name} \${${name}:?set ${name} in .env`);
      }
    }
  });

  test('starts Sluice alone, and Postgres and Redis by profile, on loopback', () => {
    const profiles = Object.entries<{ profiles?: string[] }>(compose.services).map(([name, { profiles: its }]) => [name, its?.[0] ?? null]);
    expect(Object.fromEntries(profiles)).toEqual({ sluice: null, postgres: 'postgres', redis: 'redis' });
    for (const name of ['postgres', 'redis']) expect(compose.services[name].ports[0]).toStartWith('127.0.0.1:');
    expect(compose.services.sluice.ports).toEqual(['${BIND:-127.0.0.1}:${PORT:-8000}:8000']);
  });

  test('gives Sluice a root it cannot write to and no rights', () => {
    expect(compose.services.sluice).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      volumes: ['sluice-data:/data'],
    });
  });
});

describe('the files of the project', () => {
  test('skip no test: what cannot run somewhere is not there, and what is there runs', () => {
    const skipping = /\b(?:test|describe|it)(?:\.\w+)*\.(?:skip|skipIf|todo|todoIf|if|only)\b/g;
    const found = projectFiles()
      .filter((path) => path.endsWith('.test.ts'))
      .flatMap((path) => [...readProjectFile(path).matchAll(skipping)].map((match) => `${path}: ${match[0]}`));
    expect(found).toEqual([]);
  });

  test('name no machine they were written on and no registry', () => {
    const paths = String.raw`/(?:work|root|home|Users)/[a-z]`;
    const registries = String.raw`registry\.(?:npmjs|yarnpkg)|files\.pythonhosted|pypi\.org/simple|proxy\.golang|artifactory|/repository/npm|:4873`;
    const pattern = new RegExp(`${paths}|${registries}`, 'g');
    // These lines are the pattern itself.
    const found = projectFiles()
      .filter((path) => path !== 'test/house.test.ts' && /\.(ts|tsx|mjs|js|json|md|sh|ps1|py|yaml|yml|toml|lock|sql|csv|jsonl)$|^[^.]*$/.test(path))
      .flatMap((path) => [...readProjectFile(path).matchAll(pattern)].map((match) => `${path}: ${match[0]}`));
    expect(found).toEqual([]);
  });

  test('lock packages by name and checksum, from wherever the machine gets them', () => {
    expect(readProjectFile('bun.lock')).not.toMatch(/https?:\/\//);
  });

  test('keep AGENTS.md a pointer', () => {
    expect(readProjectFile('AGENTS.md')).toContain('CONTRIBUTING.md');
    expect(readProjectFile('AGENTS.md').split('\n').length).toBeLessThan(6);
  });

  test('link only to files that exist', () => {
    const broken: string[] = [];
    for (const path of projectFiles().filter((each) => each.endsWith('.md'))) {
      for (const [, target = ''] of readProjectFile(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)) {
        if (!existsSync(join(ROOT, dirname(path), decodeURI(target)))) broken.push(`${path}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });
});

/** Run where it was called, not where the project is. */
const RAN = `ran src/main.ts serve in ${tmpdir()}`;

/** An npm that brings a program in the place of Bun: it says its version, installs nothing, and tells how it was run. */
const FAKE_NPM = `#!/bin/sh
mkdir -p node_modules/@oven/bun-fake/bin node_modules/@oven/bun-other/bin
printf '#!/bin/sh\\nexit 1\\n' >node_modules/@oven/bun-other/bin/bun
cat >node_modules/@oven/bun-fake/bin/bun <<'END'
#!/bin/sh
case $1 in
  --version) echo ${VERSION} ;;
  install) mkdir -p node_modules ;;
  *) echo "ran $* in $(pwd)" ;;
esac
END
`;

function fakeClone(): string {
  const clone = join(temporaryFolder(), 'a clone with spaces');
  mkdirSync(join(clone, 'scripts'), { recursive: true });
  for (const path of ['.bun-version', 'bun.lock', 'scripts/bun.sh']) cpSync(join(ROOT, path), join(clone, path));
  return clone;
}

/** A folder to be the whole PATH: links to these programs of the machine, and programs of our own. */
function folderOfPrograms(names: readonly string[], own: Readonly<Record<string, string>> = {}): string {
  const folder = temporaryFolder();
  for (const name of names) {
    const found = Bun.which(name);
    if (found !== null) symlinkSync(found, join(folder, name));
  }
  for (const [name, text] of Object.entries(own)) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

function bunSh(clone: string, programs: string): { exitCode: number; output: string; errors: string } {
  const ended = Bun.spawnSync(['sh', join(clone, 'scripts/bun.sh'), 'src/main.ts', 'serve'], { cwd: tmpdir(), env: { PATH: programs, HOME: clone } });
  return { exitCode: ended.exitCode, output: ended.stdout.toString().trim(), errors: ended.stderr.toString() };
}

function ciRun(make: string): { exitCode: number; lines: readonly string[] } {
  const programs = folderOfPrograms(['bash', 'sh', 'dirname'], { make: `#!/bin/sh\n${make}\n` });
  const ended = Bun.spawnSync([join(ROOT, '.ci/run')], { cwd: tmpdir(), env: { PATH: `${programs}:/usr/bin:/bin` } });
  return { exitCode: ended.exitCode, lines: ended.stdout.toString().trimEnd().split('\n') };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-house-'));
  folders.push(folder);
  return folder;
}
