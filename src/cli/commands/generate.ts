import { InvalidArgumentError } from 'commander';
import { addExamples, type CommandGroup, SECTION } from '../command-group.ts';
import type { GenerateOptions } from '../generate.ts';

export const addGenerate: CommandGroup = (program, { local, json }) => {
  const command = program
    .command('generate')
    .helpGroup(SECTION.use)
    .summary('ask a model')
    .description('Ask a model of a running service; the answer appears as it comes. SLUICE_API_KEY signs in, where the service asks for it.')
    .argument('[prompt]', 'what to ask; `-` or a pipe reads it from standard input')
    .option('-m, --model <name>', 'alias, provider/model or known name (default: that of the service)')
    .option('-s, --system <text>', 'instructions that come before the prompt')
    .option('-T, --temperature <number>', '0, the most predictable, to 2', decimal)
    .option('--top-p <number>', '0 to 1', decimal)
    .option('--max-tokens <number>', 'longest answer', decimal)
    .option('--no-stream', 'wait for the whole answer')
    .option('--no-cache', 'ask anew, whatever the cache holds')
    .option('-u, --usage', 'tokens, cost and time on standard error')
    .option('--base-url <url>', 'address of the service (default: SLUICE_URL, or http://127.0.0.1:8000)')
    .action(async (prompt: string | undefined, options: Omit<GenerateOptions, 'json'>) => {
      const { generate } = await import('../generate.ts');
      await generate(prompt, { ...options, json }, local.env);
    });
  addExamples(command, [
    ['sluice generate "Say hello"', 'the answer as it comes'],
    ['cat notes.txt | sluice generate -s "Summarise this"', 'a prompt from a pipe'],
    ['sluice generate --json -u "Say hello"', 'JSON on standard output, the cost on standard error'],
  ]);
};

/** Only whether it is a number: what the service takes, it says itself. */
function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It is not a number.');
  return value;
}
