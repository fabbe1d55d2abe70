import { type Command, Option } from 'commander';
import { addBoundOptions, rowCount } from '../bound-options.ts';
import { addExamples, BASE_URL, type CommandGroup, SECTION } from '../command-group.ts';
import type { CreateOptions, ListOptions, RemoveOptions, ResetOptions, UpdateOptions } from '../users.ts';

const ROLES = ['admin', 'member', 'viewer'];
const WHO = 'a name or an id';

export const addUsers: CommandGroup = (program, { local, json }) => {
  const users = program
    .command('users')
    .helpGroup(SECTION.administer)
    .summary('list, make and change users')
    .description('Manage the users of a running service. SLUICE_USERNAME and SLUICE_PASSWORD of an administrator sign in, or a SLUICE_TOKEN.');
  addExamples(users, [
    ['SLUICE_USERNAME=admin SLUICE_PASSWORD=... sluice users list', 'who may sign in'],
    ['sluice users create grace --role member', 'one more'],
  ]);
  addList(users.command('list')).action(async (options: Omit<ListOptions, 'json'>) => {
    const { listUsers } = await import('../users.ts');
    await listUsers({ ...options, json }, local.env);
  });
  addCreate(users.command('create')).action(async (username: string, options: Omit<CreateOptions, 'json'>) => {
    const { createUser } = await import('../users.ts');
    await createUser(username, { ...options, json }, local.env);
  });
  addUpdate(users.command('update')).action(async (user: string, options: Omit<UpdateOptions, 'json'>) => {
    const { updateUser } = await import('../users.ts');
    await updateUser(user, { ...options, json }, local.env);
  });
  addRemove(users.command('remove')).action(async (user: string, options: Omit<RemoveOptions, 'json'>) => {
    const { removeUser } = await import('../users.ts');
    await removeUser(user, { ...options, json }, local.env);
  });
  addReset(users.command('reset-password')).action(async (user: string, options: Omit<ResetOptions, 'json'>) => {
    const { resetPassword } = await import('../users.ts');
    await resetPassword(user, { ...options, json }, local.env);
  });
};

function addList(command: Command): Command {
  command
    .summary('show the users')
    .description('Show the users of all projects, newest first.')
    .option('--project <id>', 'only those of this project')
    .option('--limit <number>', 'how many', rowCount, 20)
    .option(...BASE_URL);
  return addExamples(command, [
    ['sluice users list', 'the newest twenty'],
    ['sluice users list --project default --json', 'for a program'],
  ]);
}

function addCreate(command: Command): Command {
  command
    .summary('make a user')
    .description('Make a user. A password that is made is printed, once.')
    .argument('<username>', 'what the user signs in with')
    .addOption(new Option('-r, --role <role>', 'what the user may do').choices(ROLES).makeOptionMandatory())
    .option('--project <id>', 'where the user belongs (default: the default project)')
    .option('--password-stdin', 'read the password from standard input, instead of making one');
  addBoundOptions(command).option(...BASE_URL);
  return addExamples(command, [
    ['sluice users create grace --role member --budget 5/day', 'with a password that is made'],
    ['sluice users create grace --role viewer --password-stdin < password.txt', 'with one that is given'],
  ]);
}

function addUpdate(command: Command): Command {
  command
    .summary('change a user')
    .description('Change a user. What is not named stays; what is changed counts within a second.')
    .argument('<user>', WHO)
    .addOption(new Option('-r, --role <role>', 'what the user may do').choices(ROLES))
    .option('--project <id>', 'where the user belongs')
    .option('--disable', 'end every sign-in, and let the user in no more')
    .addOption(new Option('--enable', 'let the user in again').conflicts('disable'));
  addBoundOptions(command).option(...BASE_URL);
  return addExamples(command, [
    ['sluice users update grace --role admin', 'another role'],
    ['sluice users update grace --rpm 60 --budget none', 'one bound more, and one less'],
  ]);
}

function addRemove(command: Command): Command {
  command
    .summary('delete a user')
    .description('Delete a user, with every sign-in and every key.')
    .argument('<user>', WHO)
    .option('-y, --yes', 'it is meant')
    .option(...BASE_URL);
  return addExamples(command, [['sluice users remove grace --yes', 'nothing asks back']]);
}

function addReset(command: Command): Command {
  command
    .summary('give a user a new password')
    .description('Give a user a new password, which ends every sign-in. One that is made is printed, once.')
    .argument('<user>', WHO)
    .option('--password-stdin', 'read it from standard input, instead of making one')
    .option(...BASE_URL);
  return addExamples(command, [['sluice users reset-password grace > password.txt', 'the password alone goes into the file']]);
}
