/**
 * The whole test run: `bun scripts/test.ts [stage …]`, all stages when none is named. The last line is `N passed, N failed`, and the exit
 * status is 1 when something failed. A stage that cannot run here is told apart from one that passed, and is a failure where CI=true.
 */
import { closingLine, type Count, failedCount, sum } from './testing/count.ts';
import { type Stage, stages } from './testing/stages.ts';

// CI gives the run 45 minutes; what is left of these is all that a late stage gets.
const RUN_LIMIT_MS = 43 * 60_000;

const started = performance.now();
const chosen = choose(process.argv.slice(2));
const inCi = process.env['CI'] === 'true';
const counts: Count[] = [];
const remarks: string[] = [];

for (const stage of chosen) {
  const begun = performance.now();
  console.log(`\n=== ${stage.name}`);
  const count = await runStage(stage);
  counts.push(count);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`--- ${stage.name}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped in ${seconds} s`);
}

const total = sum(counts);
console.log('');
for (const remark of remarks) console.log(remark);
if (total.skipped > 0) console.log(`${total.skipped} skipped: their own lines above say which.`);
console.log(closingLine(total));
process.exit(total.failed > 0 ? 1 : 0);

async function runStage(stage: Stage): Promise<Count> {
  const leftMs = RUN_LIMIT_MS - (performance.now() - started);
  try {
    const outcome = await stage.run(Math.max(1, Math.min(stage.limitMs, leftMs)));
    if (outcome.kind === 'counted') {
      if (outcome.count.failed > 0) remarks.push(`FAILED: ${stage.name}`, ...outcome.failures);
      return outcome.count;
    }
    remarks.push(`NOT RUN: ${stage.name}: ${outcome.reason}${inCi ? ' (counted as failed, since CI=true)' : ''}`);
    return inCi ? failedCount : sum([]);
  } catch (error) {
    remarks.push(`FAILED: ${stage.name}: ${error instanceof Error ? error.message : String(error)}`);
    return failedCount;
  }
}

function choose(names: readonly string[]): readonly Stage[] {
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    console.error(`There is no stage ${unknown.join(', ')}. Stages: ${stages.map((stage) => stage.name).join(', ')}`);
    process.exit(2);
  }
  return names.length === 0 ? stages : stages.filter((stage) => names.includes(stage.name));
}
