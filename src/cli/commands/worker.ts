import { addExamples, type CommandGroup, SECTION } from '../command-group.ts';

export const addWorker: CommandGroup = (program, { local, json }) => {
  const command = program
    .command('worker')
    .helpGroup(SECTION.run)
    .summary('run jobs, and nothing else')
    .description(
      'Run the requests of jobs beside `sluice serve`, with the same settings and the same database; it answers no requests of its own. Any number may run. Ctrl-C lets what runs finish; the rest waits for others.',
    )
    .action(() => local.work({ json }));
  addExamples(command, [
    ['DATABASE_URL=postgres://... sluice worker', 'beside any number of services and workers'],
    ['JOB_CONCURRENCY=64 sluice worker', 'with 64 requests at once'],
  ]);
};
