import { addExamples, type CommandGroup, SECTION } from '../command-group.ts';

export const addConfig: CommandGroup = (program, { local, json, finish }) => {
  const config = program
    .command('config')
    .helpGroup(SECTION.check)
    .summary('look at the configuration')
    .description('Look at the configuration: the environment, .env and sluice.config.yaml, as the service would read them here.');
  const check = config
    .command('check')
    .summary('print what is in force, or all that is wrong')
    .description('Print the values in force with their sources, secrets masked; or everything that is wrong with them, and exit with 1.')
    .action(async () => finish(await local.checkConfig({ json })));
  addExamples(config, [['sluice config check', 'what is in force, and where it comes from']]);
  addExamples(check, [
    ['sluice config check', 'what is in force, and where it comes from'],
    ['API_PORT=9000 sluice config check --json', 'what would be, for a program'],
  ]);
};
