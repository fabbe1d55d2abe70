import { addExamples, type CommandGroup, SECTION } from '../command-group.ts';

export const addOpenapi: CommandGroup = (program, { local }) => {
  const command = program
    .command('openapi')
    .helpGroup(SECTION.use)
    .summary('print the OpenAPI document')
    .description('Print the OpenAPI 3.1 document that the service serves with this configuration, without starting it.')
    .action(async () => {
      process.stdout.write(await local.openapi());
    });
  addExamples(command, [['sluice openapi > openapi.json', 'for a generator of clients']]);
};
