import { addExamples, type CommandGroup, SECTION } from '../command-group.ts';

export const addMigrate: CommandGroup = (program, { local, json }) => {
  const command = program
    .command('migrate')
    .helpGroup(SECTION.run)
    .summary('bring the database up to date')
    .description('Bring the database to the state that this version needs. `sluice serve` does it by itself; this is for doing it before a roll-out.')
    .action(async () => {
      const applied = await local.migrate();
      if (json) process.stdout.write(`${JSON.stringify({ applied })}\n`);
      else process.stdout.write(applied.length === 0 ? 'The database is up to date.\n' : `Applied ${applied.join(', ')}.\n`);
    });
  addExamples(command, [
    ['sluice migrate', 'the embedded database, or that of DATABASE_URL'],
    ['DATABASE_URL=postgres://... sluice migrate', 'a server'],
  ]);
};
