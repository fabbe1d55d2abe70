import { addExamples, type CommandGroup, SECTION } from '../command-group.ts';

export const addJobs: CommandGroup = (program, { local, json }) => {
  const jobs = program.command('jobs').helpGroup(SECTION.use).summary('run jobs').description('Jobs: many requests that run by themselves.');
  const pass = jobs
    .command('process')
    .summary('one pass over all jobs, as from cron')
    .description(
      'Run what there is to run of all jobs, and end when nothing is left to do now. It needs the settings and the database of the service, not the service itself. Any number may run at once.',
    )
    .action(async () => {
      await local.processJobs();
      if (json) process.stdout.write(`${JSON.stringify({ processed: true })}\n`);
    });
  addExamples(pass, [
    ['sluice jobs process', 'until nothing is left to do now'],
    ['*/5 * * * * cd /srv/sluice && sluice jobs process', 'from cron, beside `sluice serve --no-worker`'],
  ]);
};
