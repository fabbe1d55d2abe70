import { CommanderError } from 'commander';
import { CommandError } from './command-error.ts';
import { EXIT } from './exit-codes.ts';
import { Interrupted } from './interruption.ts';

type Failure = { readonly exitCode: number; readonly json: object; readonly text: string };

/** Says on standard error what went wrong and what to do about it. Answers the exit code. */
export function report(thrown: unknown, json: boolean): number {
  if (thrown instanceof Interrupted) return EXIT.interrupted;
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return EXIT.ok;
    // A group without its command: the help that was shown instead says enough.
    if (thrown.code === 'commander.help') return EXIT.wrongUsage;
  }
  const failure = read(thrown);
  process.stderr.write(json ? `${JSON.stringify({ error: failure.json })}\n` : `${failure.text}\n`);
  return failure.exitCode;
}

function read(thrown: unknown): Failure {
  if (thrown instanceof CommanderError) {
    const [message = '', ...more] = thrown.message.replace(/^error: /, '').split('\n');
    const guess = more.map((line) => line.replace(/^\((.*)\)$/, '$1'));
    return explain(
      { code: 'WRONG_USAGE', message, hint: [...guess, '`sluice --help` and `sluice help <command>` show what there is.'].join('\n') },
      EXIT.wrongUsage,
    );
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (!(thrown instanceof CommandError)) return explain({ code: 'FAILED', message, hint: hintOf(thrown) }, EXIT.failed);
  const code = thrown.exitCode === EXIT.wrongUsage ? 'WRONG_USAGE' : 'FAILED';
  return explain({ code, ...thrown.refusal, message, hint: thrown.hint }, thrown.exitCode);
}

function explain(error: { readonly code: string; readonly message: string; readonly hint: string }, exitCode: number): Failure {
  const hint = error.hint === '' ? '' : `\n${error.hint.replaceAll(/^/gm, '  ')}`;
  return { exitCode, json: error, text: `error: ${error.message}${hint}` };
}

/** The errors of the platform, which are not to be loaded for this, have a hint too. */
function hintOf(thrown: unknown): string {
  return thrown instanceof Error && 'hint' in thrown && typeof thrown.hint === 'string' ? thrown.hint : '';
}
