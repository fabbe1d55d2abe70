import { type Command, InvalidArgumentError, Option } from 'commander';
import { rowCount } from '../bound-options.ts';
import { addExamples, BASE_URL, type CommandContext, type CommandGroup, SECTION } from '../command-group.ts';
import type { AddOptions, CreateOptions, DeedOptions, ListOptions } from '../jobs.ts';
import type { ResultsOptions } from '../jobs-results.ts';

type Base = { readonly baseUrl?: string };

export const addJobs: CommandGroup = (program, context) => {
  const jobs = program
    .command('jobs')
    .helpGroup(SECTION.use)
    .summary('run many requests as jobs')
    .description('Jobs: many requests that run by themselves, on any provider. SLUICE_API_KEY signs in, or SLUICE_USERNAME and SLUICE_PASSWORD.');
  addExamples(jobs, [
    ['sluice jobs create tickets.csv --template summarize_v1 --map text=input --watch', 'a table through a template'],
    ['sluice jobs results job_… --format merged -o done.csv', 'the table, with the answers beside it'],
  ]);
  addMaking(jobs, context);
  addLooking(jobs, context);
  addProcess(jobs.command('process')).action(async () => {
    await context.local.processJobs();
    if (context.json) process.stdout.write(`${JSON.stringify({ processed: true })}\n`);
  });
};

function addMaking(jobs: Command, { local: { env }, json, finish }: CommandContext): void {
  addCreate(jobs.command('create')).action(async (file: string, options: Omit<CreateOptions, 'json'>) => {
    const { createJob } = await import('../jobs.ts');
    await createJob(file, { ...options, json }, env, finish);
  });
  addAdd(jobs.command('add')).action(async (id: string, file: string, options: Omit<AddOptions, 'json'>) => {
    const { addToJob } = await import('../jobs.ts');
    await addToJob(id, file, { ...options, json }, env);
  });
  addSubmit(jobs.command('submit')).action(async (id: string, options: Omit<DeedOptions, 'json'>) => {
    const { startJob } = await import('../jobs.ts');
    await startJob({ id, deed: 'submit' }, { ...options, json }, env, finish);
  });
  addRetry(jobs.command('retry')).action(async (id: string, options: Omit<DeedOptions, 'json'>) => {
    const { startJob } = await import('../jobs.ts');
    await startJob({ id, deed: 'retry' }, { ...options, json }, env, finish);
  });
  addCancel(jobs.command('cancel')).action(async (id: string, options: Base) => {
    const { cancelJob } = await import('../jobs.ts');
    await cancelJob(id, { ...options, json }, env);
  });
  addRemove(jobs.command('remove')).action(async (id: string, options: Base & { readonly yes?: boolean }) => {
    const { removeJob } = await import('../jobs.ts');
    await removeJob(id, { ...options, json }, env);
  });
}

function addLooking(jobs: Command, { local: { env }, json, finish }: CommandContext): void {
  addList(jobs.command('list')).action(async (options: Omit<ListOptions, 'json'>) => {
    const { listJobs } = await import('../jobs.ts');
    await listJobs({ ...options, json }, env);
  });
  addShow(jobs.command('show')).action(async (id: string, options: Base) => {
    const { showJob } = await import('../jobs.ts');
    await showJob(id, { ...options, json }, env);
  });
  addWatch(jobs.command('watch')).action(async (id: string, options: Base) => {
    const { watchJob } = await import('../jobs.ts');
    await watchJob(id, { ...options, json }, env, finish);
  });
  addResults(jobs.command('results')).action(async (id: string, options: Omit<ResultsOptions, 'json'>) => {
    const { writeResults } = await import('../jobs-results.ts');
    await writeResults(id, { ...options, json }, env);
  });
}

const MAP = ['--map <pairs>', 'of CSV: which column is what, such as Text=input,Language=target_language', pairs] as const;

function addCreate(command: Command): Command {
  command
    .summary('make a job of a file and start it')
    .description(
      'Make a job of a JSONL, CSV or JSON file and start it. Nothing starts before all of the file is taken, and of one that is not taken nothing is left.',
    )
    .argument('<file>', 'one request a line, or a table with a header; - reads JSONL from standard input')
    .option('--name <text>', "what people know it by (default: the file's name)")
    .option('--template <id>', 'fill this template: the columns or fields are its input and parameters')
    .option(...MAP)
    .option('--model <name>', 'for requests that name none')
    .addOption(new Option('--engine <name>', 'how it is run').choices(['auto', 'provider_batch', 'direct']))
    .option('--endpoint <path>', 'where requests go (default: /v1/chat/completions)')
    .option('--max-tokens <number>', 'longest answer, for requests that say nothing of it', number)
    .option('--temperature <number>', 'for requests that say none', number)
    .option('--budget <usd>', 'it costs no more than this', number)
    .option('--webhook <url>', 'told when it is over')
    .option('--hold', 'do not start it')
    .option('--estimate', 'do not start it, and say what it would cost')
    .option('--watch', 'follow it to its end')
    .option(...BASE_URL);
  return addExamples(command, [
    ['sluice jobs create questions.jsonl --watch', 'and see how it goes; Ctrl-C leaves it running'],
    ['sluice jobs create tickets.csv --template summarize_v1 --map text=input', 'a table through a template'],
    ['sluice jobs create tickets.csv --template summarize_v1 --estimate', 'what it would cost'],
  ]);
}

function addAdd(command: Command): Command {
  command
    .summary('add requests to a job')
    .description('Add the requests of a file to a job that has not started: all of them, or none.')
    .argument('<id>', 'the job')
    .argument('<file>', 'as for create')
    .option(...MAP)
    .option(...BASE_URL);
  return addExamples(command, [['sluice jobs add job_… more.jsonl', 'to one that is on hold']]);
}

function addSubmit(command: Command): Command {
  ofOne(command, 'start a job', 'Start a job now, on hold or not.').option('--watch', 'follow it to its end');
  return addExamples(command, [['sluice jobs submit job_… --watch', 'and see how it goes']]);
}

function addList(command: Command): Command {
  command
    .summary('show the jobs')
    .description('Show the jobs of your project, newest first.')
    .option('--status <status>', 'only those that are so')
    .option('--search <text>', 'only those with this in their name')
    .option('--limit <number>', 'how many, at most 100', rowCount, 20)
    .option(...BASE_URL);
  return addExamples(command, [
    ['sluice jobs list --status in_progress', 'what runs'],
    ['sluice jobs list --json', 'for a program'],
  ]);
}

function addWatch(command: Command): Command {
  ofOne(
    command,
    'follow a job to its end',
    'Follow a job to its end, over breaks of the connection. Ctrl-C leaves it running. It fails where anything of the job did.',
  );
  return addExamples(command, [['sluice jobs watch job_…', 'a bar on a terminal, a line now and then elsewhere']]);
}

function addResults(command: Command): Command {
  ofOne(command, 'write what came of a job', 'Write what came of each request, in their order, as far as it has come.')
    .addOption(
      new Option('--format <name>', 'merged is the table that came in, with the answers beside it').choices(['jsonl', 'csv', 'merged']).default('jsonl'),
    )
    .option('--failed', 'only what failed')
    .option('-o, --output <file>', 'into a file');
  return addExamples(command, [
    ['sluice jobs results job_… > results.jsonl', 'an outcome on each line'],
    ['sluice jobs results job_… --format merged -o done.csv', 'the table, with the answers beside it'],
  ]);
}

function addRetry(command: Command): Command {
  ofOne(command, 'run again what failed', 'Run again what failed of a job, and only that; what was cancelled or expired counts as failed.')
    .option('--failed', 'what is done anyway; said by those who like to be clear')
    .option('--watch', 'follow it to its end');
  return addExamples(command, [['sluice jobs retry job_… --failed --watch', 'what was answered is not asked again']]);
}

function addShow(command: Command): Command {
  ofOne(command, 'show a job', 'Show a job with its sums so far, which engine runs it, and why.');
  return addExamples(command, [['sluice jobs show job_… --json', 'all that there is to know of it']]);
}

function addCancel(command: Command): Command {
  ofOne(command, 'cancel a job', 'End a job. What was answered is kept.');
  return addExamples(command, [['sluice jobs cancel job_…', 'what was not answered can be retried']]);
}

function addRemove(command: Command): Command {
  ofOne(command, 'delete a job', 'Delete a job with all that came of it.').option('--yes', 'that it is meant');
  return addExamples(command, [['sluice jobs remove job_… --yes', 'what it used stays in the usage']]);
}

function addProcess(command: Command): Command {
  command
    .summary('one pass over all jobs, as from cron')
    .description(
      'Run what there is to run of all jobs, and end when nothing is left to do now. It needs the settings and the database of the service, not the service itself. Any number may run at once.',
    );
  return addExamples(command, [
    ['sluice jobs process', 'until nothing is left to do now'],
    ['*/5 * * * * cd /srv/sluice && sluice jobs process', 'from cron, beside `sluice serve --no-worker`'],
  ]);
}

function ofOne(command: Command, summary: string, description: string): Command {
  return command
    .summary(summary)
    .description(description)
    .argument('<id>', 'the job')
    .option(...BASE_URL);
}

function pairs(text: string): readonly string[] {
  const found = text.split(',');
  if (!found.every((pair) => /^[^=:]+[=:][A-Za-z_]\w*$/.test(pair))) throw new InvalidArgumentError('Write it as column=variable,column=variable.');
  return found;
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It has to be a number.');
  return value;
}
