import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Count, countBunTest, countCheck, failuresOf, sum } from './count.ts';
import { installPackages } from './debian.ts';
import { startPostgresServer } from './postgres-server.ts';
import { type Ended, run } from './process.ts';

/** What a test run consists of, in order: cheap answers first. */
export type Stage = { readonly name: string; readonly limitMs: number; readonly run: (limitMs: number) => Promise<Outcome> };
export type Outcome =
  /** With what was said of each test that failed, for the end of the run, which is what is read first. */
  { readonly kind: 'counted'; readonly count: Count; readonly failures: readonly string[] } | { readonly kind: 'not-run'; readonly reason: string };

const ROOT = join(import.meta.dir, '../..');
const MINUTE_MS = 60_000;

/** These read the tree and start no server; every other suite in test/ is a black box. */
const TREE_SUITES = ['architecture.test.ts', 'budgets.test.ts', 'house.test.ts'];
/** What is tried in these has nothing to do with where the rows are: they run once, and all others against both databases. */
const ON_ANY_DATABASE =
  /^(ai-sdk-providers|bad-input|bench|cli|clients|docs|egress|examples|fake-upstream\/.*|headers|large-answers|local.*|models-pull|prices|slow-callers|stream-breaks|vendor-documents)\.test\.ts$/;
/** They look at times or memory, and are alone while they do. */
const ALONE = /^(batches-limits|bench|files|jobs-speed|leaving|limits|local-life|resilience|slow-callers|usage-speed)\.test\.ts$/;
/** A black box mostly waits for what it has started. */
const AT_ONCE = 2;

export const stages: readonly Stage[] = [
  check('types', ['run', 'tsc', '--noEmit']),
  check('lint', ['run', 'oxlint', '--type-aware', '--deny-warnings']),
  check('format', ['run', 'oxfmt', '--check']),
  check('unused', ['run', 'knip']),
  check('docs', ['scripts/gen-docs.ts', '--check']),
  { name: 'unit', limitMs: 8 * MINUTE_MS, run: (limitMs) => runUnit(limitMs) },
  { name: 'black-box-embedded', limitMs: 20 * MINUTE_MS, run: (limitMs) => runEmbedded(limitMs) },
  { name: 'schemathesis', limitMs: 10 * MINUTE_MS, run: runSchemathesis },
  { name: 'black-box-server', limitMs: 20 * MINUTE_MS, run: (limitMs) => runServer(limitMs) },
];

function check(name: string, words: readonly string[]): Stage {
  // --bun: the programs of these packages ask for Node, and run as well on what is here.
  const command = [process.execPath, '--bun', ...words];
  const runCheck = async (limitMs: number): Promise<Outcome> => ({
    kind: 'counted',
    count: countCheck((await run({ command, limitMs })).exitCode),
    failures: [],
  });
  return { name, limitMs: 4 * MINUTE_MS, run: runCheck };
}

async function runUnit(limitMs: number): Promise<Outcome> {
  return bunTest(['./src', './scripts', ...TREE_SUITES.map((name) => `./test/${name}`)], limitMs);
}

async function runEmbedded(limitMs: number): Promise<Outcome> {
  await bringChromium();
  return eachAlone(await blackBoxSuites(), limitMs);
}

async function runSchemathesis(limitMs: number): Promise<Outcome> {
  const ended = await run({ command: [process.execPath, 'test/schemathesis/run.ts'], limitMs });
  return tested([{ name: 'schemathesis', ended }]);
}

async function runServer(limitMs: number): Promise<Outcome> {
  const server = await startPostgresServer();
  if ('notRun' in server) return { kind: 'not-run', reason: server.notRun };
  try {
    const suites = (await blackBoxSuites()).filter((name) => !ON_ANY_DATABASE.test(name));
    return await eachAlone(suites, limitMs, { SLUICE_TEST_DATABASE_URL: server.url });
  } finally {
    await server.stop();
  }
}

/** The suites that look at pages need a browser and say so themselves when there is none. */
async function bringChromium(): Promise<void> {
  if (Bun.which('chromium') !== null) return;
  const refusal = await installPackages(['chromium']);
  if (refusal !== null) console.log(`There is no chromium on this machine; ${refusal}`);
}

async function blackBoxSuites(): Promise<readonly string[]> {
  const found = await readdir(join(ROOT, 'test'), { recursive: true });
  return found.filter((path) => path.endsWith('.test.ts') && !TREE_SUITES.includes(path)).toSorted();
}

/** Each suite in a process of its own, a few at a time; then, one after the other, those that want to be alone. */
async function eachAlone(names: readonly string[], limitMs: number, env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const deadline = performance.now() + limitMs;
  const runs: Tested[] = [];
  const takeFrom = async (waiting: string[]): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const leftMs = Math.max(1, deadline - performance.now());
      const ended = await run({ command: testCommand([`./test/${name}`]), limitMs: leftMs, env, isQuiet: true });
      console.log(ended.output);
      runs.push({ name, ended });
    }
  };
  const together = names.filter((name) => !ALONE.test(name));
  await Promise.all(Array.from({ length: AT_ONCE }, () => takeFrom(together)));
  await takeFrom(names.filter((name) => ALONE.test(name)));
  return tested(runs);
}

async function bunTest(paths: readonly string[], limitMs: number): Promise<Outcome> {
  return tested([{ name: paths.join(' '), ended: await run({ command: testCommand(paths), limitMs }) }]);
}

/** A black box starts processes and databases: what is slow on a busy machine is not broken. */
function testCommand(paths: readonly string[]): readonly string[] {
  return [process.execPath, 'test', '--timeout=60000', ...paths];
}

type Tested = { readonly name: string; readonly ended: Ended };

function tested(runs: readonly Tested[]): Outcome {
  const counts = runs.map(({ name, ended }) => ({ name, ended, count: countBunTest(ended.output, ended.exitCode) }));
  const failures = counts.flatMap(({ name, ended, count }) => {
    const told = failuresOf(ended.output).map((failure) => `${name}: ${failure}`);
    return count.failed > 0 && told.length === 0 ? [`${name}: exited with ${ended.exitCode}, no test of it failed`] : told;
  });
  return { kind: 'counted', count: sum(counts.map(({ count }) => count)), failures };
}
