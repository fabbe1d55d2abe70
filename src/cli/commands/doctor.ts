import { addExamples, type CommandGroup, SECTION } from '../command-group.ts';

export const addDoctor: CommandGroup = (program, { local, json, finish }) => {
  const command = program
    .command('doctor')
    .helpGroup(SECTION.check)
    .summary('find what is wrong, and how to mend it')
    .description(
      'Check everything that can be wrong on this machine: runtime, clock, configuration, port, data folder, database and providers. Says how to mend what it finds, and exits with 1 when there is something.',
    )
    .action(async () => finish(await local.doctor({ json })));
  addExamples(command, [
    ['sluice doctor', 'a line for each check'],
    ['sluice doctor --json', 'the same for a program'],
  ]);
};
