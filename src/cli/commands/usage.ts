import { addExamples, type CommandGroup, SECTION } from '../command-group.ts';
import type { UsageOptions } from '../usage.ts';

export const addUsage: CommandGroup = (program, { local, json }) => {
  const command = program
    .command('usage')
    .helpGroup(SECTION.use)
    .summary('what was used, and what it cost')
    .description(
      'Sums of the model calls of a running service: of the last 30 days, by day, unless said otherwise. SLUICE_API_KEY signs in; a key sees its own calls.',
    )
    .option('-g, --group <names>', 'hour, day, week, month, model, provider, key, project, user, template, route, job; several with commas', 'day')
    .option('-s, --since <time>', '90m, 24h, 30d, 4w, or a day such as 2026-03-01')
    .option('--from <time>', 'first day, or moment such as 2026-03-01T12:00:00Z')
    .option('--to <time>', 'last day, or the moment before which it ends (default: now)')
    .option('--time-zone <name>', "where days begin and end (default: the project's)")
    .option('--model <name>', 'only calls to this model')
    .option('--provider <name>', 'only calls to this provider')
    .option('--project <id>', 'only calls of this project')
    .option('--key <id>', 'only calls with this key')
    .option('--user <id>', 'only calls of this user')
    .option('--template <id>', 'only calls from this template')
    .option('--route <path>', 'only calls by this route')
    .option('--job <id>', 'only calls of this job')
    .option('--csv', 'a table for a spreadsheet, of any length')
    .option('--base-url <url>', 'address of the service (default: SLUICE_URL, or http://127.0.0.1:8000)')
    .action(async (options: Omit<UsageOptions, 'json'>) => {
      const { usage } = await import('../usage.ts');
      await usage({ ...options, json }, local.env);
    });
  addExamples(command, [
    ['sluice usage', 'each of the last 30 days'],
    ['sluice usage --group model --since 24h', 'the models of the last 24 hours, the dearest first'],
    ['sluice usage --group month,project --from 2026-01-01 --csv > usage.csv', 'for a spreadsheet'],
    ['sluice usage --group day,key --json', 'for a program'],
  ]);
};
