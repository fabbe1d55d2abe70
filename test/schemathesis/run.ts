/**
 * Holds the service to its OpenAPI document: `bun test/schemathesis/run.ts`. The document is checked by a validator, then schemathesis calls
 * every operation with what it makes of the schemas, fitting and unfitting, as somebody anonymous and as somebody who signed in. The same
 * seed makes the same calls. Closes as `bun test` does, one case being one operation in the eyes of one caller.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../scripts/testing/process.ts';
import { call, signIn, type Sluice, startSluice } from '../harness.ts';
import { installPython, type Python } from '../../scripts/testing/python.ts';

const SEED = 20261121;
const EXAMPLES_MAX = 15;
const PASS_LIMIT_MS = 4 * 60_000;

/** What is called, and as whom; `outlives` where the token has to be good to the end. */
type Pass = { readonly name: string; readonly authorization: string | null; readonly outlives: boolean; readonly only: readonly string[] };
type Within = { readonly pass: Pass; readonly folder: string; readonly userId: string };

type Report = {
  readonly operations: { readonly tested: number; readonly errored: number };
  readonly test_cases: { readonly generated: number };
  readonly failures: readonly { readonly title: string; readonly operations: readonly string[] }[];
};
type Verdict = { readonly passed: number; readonly failed: number };

const began = performance.now();
const python = await installPython('schemathesis', join(import.meta.dir, 'requirements.txt'));
const folder = await mkdtemp(join(tmpdir(), 'sluice-schemathesis-'));
// A provider key of the machine must not decide what answers.
const sluice = await startSluice({ env: { DEFAULT_MODEL: 'demo' } });
const verdicts: Verdict[] = [];
try {
  verdicts.push(await validDocument(python, sluice, folder));
  const me = await call<{ id: string }>(`${sluice.url}/auth/me`, { headers: await signIn(sluice.url) });
  for (const pass of await passes(sluice)) verdicts.push(await runPass(python, sluice, { pass, folder, userId: me.json.id }));
} finally {
  await sluice.stop();
  await rm(folder, { recursive: true, force: true });
}
const passed = verdicts.reduce((sum, verdict) => sum + verdict.passed, 0);
const failed = verdicts.reduce((sum, verdict) => sum + verdict.failed, 0);
console.log(`\n ${passed} pass\n ${failed} fail`);
console.log(`Ran ${passed + failed} tests across ${verdicts.length} files. [${((performance.now() - began) / 1000).toFixed(1)}s]`);
process.exit(failed === 0 ? 0 : 1);

/** Signed in before the first call: the wrong passwords of a pass lock the account for a while. To sign out voids a token, so it has one of its own. */
async function passes({ url }: Sluice): Promise<readonly Pass[]> {
  const authorization = async (): Promise<string | null> => (await signIn(url))['authorization'] ?? null;
  return [
    { name: 'anonymous', authorization: null, outlives: false, only: [] },
    { name: 'signed in', authorization: await authorization(), outlives: true, only: ['--exclude-operation-id=postAuthLogout'] },
    { name: 'signing out', authorization: await authorization(), outlives: false, only: ['--include-operation-id=postAuthLogout'] },
  ];
}

async function validDocument({ command, env }: Python, { url }: Sluice, within: string): Promise<Verdict> {
  const path = join(within, 'openapi.json');
  await writeFile(path, await (await fetch(`${url}/openapi.json`)).text());
  const { exitCode } = await run({ command: [...command, '-m', 'openapi_spec_validator', path], limitMs: PASS_LIMIT_MS, env });
  return exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function runPass({ command, env }: Python, { url }: Sluice, { pass, folder: within, userId }: Within): Promise<Verdict> {
  const reports = await mkdtemp(join(within, 'reports-'));
  // Only in these letters does it know the header that it has to leave out, to see that the answer is then 401.
  const headers = pass.authorization === null ? [] : [`--header=Authorization: ${pass.authorization}`];
  // One worker: with more, Python 3.11 now and then loses count of how deep its parser is in, and who comes first is chance.
  const words = ['--checks=all', `--seed=${SEED}`, `--max-examples=${EXAMPLES_MAX}`, '--workers=1', '--no-color', '--warnings=off', '--report=json'];
  const { exitCode } = await run({
    command: [
      ...command,
      '-m',
      'schemathesis.cli',
      `--config-file=${join(import.meta.dir, 'schemathesis.toml')}`,
      'run',
      `${url}/openapi.json`,
      ...words,
      ...headers,
      ...pass.only,
      `--report-dir=${reports}`,
    ],
    limitMs: PASS_LIMIT_MS,
    // What Hypothesis remembers would make the next run another one.
    env: {
      ...env,
      HYPOTHESIS_STORAGE_DIRECTORY: join(within, 'hypothesis'),
      SCHEMATHESIS_HOOKS: join(import.meta.dir, 'hooks.py'),
      SCHEMATHESIS_CALLER: userId,
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  // A token that ended on the way would make nearly every answer a 401, and that fits every document.
  const tokenHeld = !pass.outlives || (await call(`${url}/auth/me`, { headers: { authorization: pass.authorization ?? '' } })).status === 200;
  const [file] = await readdir(reports);
  // One that was out of time leaves half a report, or none.
  if (file === undefined || exitCode === null) return { passed: 0, failed: 1 };
  const report = JSON.parse(await readFile(join(reports, file), 'utf8')) as Report;
  const faulty = new Set(report.failures.flatMap((failure) => failure.operations)).size + report.operations.errored;
  const failures = exitCode === 0 && tokenHeld ? faulty : Math.max(1, faulty);
  if (!tokenHeld) console.log('The sign-in did not last to the end of the pass');
  console.log(`schemathesis, ${pass.name}: ${report.operations.tested} operations, ${report.test_cases.generated} calls, ${failures} failed`);
  return { passed: Math.max(0, report.operations.tested - failures), failed: failures };
}
