import { Command } from 'commander';
import { VERSION } from '../contract/version.ts';
import { addExamples, type CommandContext, type CommandGroup, type Local } from './command-group.ts';
import { addConfig } from './commands/config.ts';
import { addDoctor } from './commands/doctor.ts';
import { addGenerate } from './commands/generate.ts';
import { addJobs } from './commands/jobs.ts';
import { addKeys } from './commands/keys.ts';
import { addMigrate } from './commands/migrate.ts';
import { addModels } from './commands/models.ts';
import { addOpenapi } from './commands/openapi.ts';
import { addServe } from './commands/serve.ts';
import { addUsage } from './commands/usage.ts';
import { addUsers } from './commands/users.ts';
import { addWorker } from './commands/worker.ts';
import { EXIT, EXIT_MEANINGS } from './exit-codes.ts';
import { endWhenNobodyReads, written } from './output.ts';
import { report } from './report.ts';

const GROUPS: readonly CommandGroup[] = [
  addServe,
  addWorker,
  addMigrate,
  addConfig,
  addDoctor,
  addGenerate,
  addJobs,
  addUsage,
  addOpenapi,
  addUsers,
  addKeys,
  addModels,
];

/** Reads the command line and runs one command. Answers the exit code. */
export async function run(argv: readonly string[], local: Local): Promise<number> {
  let code: number = EXIT.ok;
  const finish = (exitCode: number): void => {
    code = exitCode;
  };
  const json = wantsJson(argv);
  endWhenNobodyReads();
  try {
    await createProgram({ local, json, finish }).parseAsync(argv.length > 2 ? argv : [...argv, '--help']);
  } catch (thrown) {
    code = report(thrown, json);
  }
  await written();
  return code;
}

/** Known before the rest is read, because what is wrong with the rest is to be said in JSON too. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

export function createProgram(context: CommandContext): Command {
  const program = new Command('sluice')
    .description('The LLM API service that a team runs itself.')
    .version(context.json ? JSON.stringify({ version: VERSION }) : VERSION, '-V, --version', 'print the version')
    .option('--json', 'print JSON alone; errors too, on standard error')
    .helpOption('-h, --help', 'show this help')
    .commandsGroup('Help:')
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({ showGlobalOptions: true })
    // What is wrong is said in one place, in report.ts.
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  for (const add of GROUPS) add(program, context);
  addExamples(program, [
    ['sluice serve', 'start the service on http://127.0.0.1:8000'],
    ['sluice generate "Say hello"', 'ask it, and see the answer as it comes'],
    ['sluice doctor', 'what is wrong, and how to mend it'],
  ]);
  const codes = EXIT_MEANINGS.map(({ code, meaning }) => `  ${String(code).padEnd(3)}   ${meaning}`);
  return program.addHelpText('after', `\nExit codes:\n${codes.join('\n')}`);
}
