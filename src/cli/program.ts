import { Command, CommanderError } from 'commander';
import { VERSION } from '../contract/version.ts';

/** What runs in this process and not over HTTP; handed in by main.ts, which alone may load it. */
export type Local = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly serve: () => Promise<void>;
  readonly migrate: () => Promise<number>;
  readonly checkConfig: (options: { readonly json: boolean }) => Promise<number>;
  readonly doctor: (options: { readonly json: boolean }) => Promise<number>;
  readonly openapi: () => Promise<string>;
};

const FAILED = 1;
const WRONG_USAGE = 2;

const EXAMPLES = `
Examples:
  sluice serve                              start the service on http://127.0.0.1:8000
  sluice generate "Say hello"               ask it, and see the answer as it comes
  cat notes.txt | sluice generate -s "Summarise this" -
  sluice doctor                             what is wrong, and how to mend it
`;

/** Reads the command line and runs one command. Answers the exit code: 0 ok, 1 failed, 2 wrong usage. */
export async function run(argv: readonly string[], local: Local): Promise<number> {
  let code = 0;
  const program = createProgram(local, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(argv);
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : WRONG_USAGE;
    process.stderr.write(`${explain(thrown)}\n`);
    return FAILED;
  }
}

function createProgram(local: Local, finish: (code: number) => void): Command {
  const program = new Command('sluice')
    .description('The LLM API service that a team runs itself.')
    .version(VERSION, '-V, --version')
    .showSuggestionAfterError()
    .showHelpAfterError('(sluice --help shows what there is)')
    .exitOverride()
    .addHelpText('after', EXAMPLES);

  program.command('serve').description('Start the service: API, docs and embedded database in one process.').action(local.serve);
  program
    .command('migrate')
    .description('Bring the database to the state that this version needs. `serve` does it by itself.')
    .action(async () => finish(await local.migrate()));
  program
    .command('config')
    .description('Look at the configuration.')
    .command('check')
    .description('Print the effective values with their sources, secrets masked; exit 1 when something is wrong.')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => finish(await local.checkConfig({ json: options.json ?? false })));
  program
    .command('doctor')
    .description('Check everything that can be wrong on this machine, and say how to mend it.')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => finish(await local.doctor({ json: options.json ?? false })));
  program
    .command('openapi')
    .description('Print the OpenAPI document of this version.')
    .action(async () => void process.stdout.write(await local.openapi()));
  addGenerate(program, local, finish);
  return program;
}

function addGenerate(program: Command, local: Pick<Local, 'env'>, finish: (code: number) => void): void {
  program
    .command('generate')
    .description('Ask a model of a running service; the answer appears as it comes.')
    .argument('[prompt]', 'what to ask; `-` or a pipe reads it from standard input')
    .option('-m, --model <name>', 'alias, provider/model or known name')
    .option('-s, --system <text>', 'instructions that come before the prompt')
    .option('-T, --temperature <number>', '0 to 2', Number)
    .option('--top-p <number>', '0 to 1', Number)
    .option('--max-tokens <number>', 'longest answer', Number)
    .option('--no-stream', 'wait for the whole answer')
    .option('--no-cache', 'ask anew, whatever the cache holds')
    .option('-u, --usage', 'tokens, cost and time on standard error')
    .option('--json', "print the service's JSON answer")
    .option('--base-url <url>', 'address of the service (SLUICE_URL)')
    .action(async (prompt: string | undefined, options: object) => {
      const { generate } = await import('./generate.ts');
      finish(await generate(prompt, options, local.env));
    });
}

/** What went wrong, and what to do about it where somebody knows. */
function explain(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `error: ${String(thrown)}`;
  const hint = 'hint' in thrown && typeof thrown.hint === 'string' ? `\n  ${thrown.hint}` : '';
  return `error: ${thrown.message}${hint}`;
}
