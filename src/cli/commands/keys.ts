import { type Command, InvalidArgumentError } from 'commander';
import { addBoundOptions, rowCount } from '../bound-options.ts';
import { addExamples, BASE_URL, type CommandGroup, SECTION } from '../command-group.ts';
import type { CreateOptions, ListOptions, RevokeOptions, RotateOptions } from '../keys.ts';

const WHICH = 'a name, an id or the beginning that the list shows';

export const addKeys: CommandGroup = (program, { local, json }) => {
  const keys = program
    .command('keys')
    .helpGroup(SECTION.administer)
    .summary('list, make, rotate and revoke API keys')
    .description('Manage the API keys of a running service. SLUICE_USERNAME and SLUICE_PASSWORD sign in, or a SLUICE_TOKEN; a key cannot manage keys.');
  addExamples(keys, [
    ['SLUICE_USERNAME=grace SLUICE_PASSWORD=... sluice keys list', 'what there is, and when it was used'],
    ['sluice keys create shop > key.txt', 'one more'],
  ]);
  addList(keys.command('list')).action(async (options: Omit<ListOptions, 'json'>) => {
    const { listKeys } = await import('../keys.ts');
    await listKeys({ ...options, json }, local.env);
  });
  addCreate(keys.command('create')).action(async (name: string, options: Omit<CreateOptions, 'json'>) => {
    const { createKey } = await import('../keys.ts');
    await createKey(name, { ...options, json }, local.env);
  });
  addRotate(keys.command('rotate')).action(async (key: string, options: Omit<RotateOptions, 'json'>) => {
    const { rotateKey } = await import('../keys.ts');
    await rotateKey(key, { ...options, json }, local.env);
  });
  addRevoke(keys.command('revoke')).action(async (key: string, options: Omit<RevokeOptions, 'json'>) => {
    const { revokeKey } = await import('../keys.ts');
    await revokeKey(key, { ...options, json }, local.env);
  });
};

function addList(command: Command): Command {
  command
    .summary('show the keys')
    .description('Show the keys of your project, newest first; an administrator sees those of all.')
    .option('--project <id>', 'only those of this project')
    .option('--limit <number>', 'how many', rowCount, 20)
    .option(...BASE_URL);
  return addExamples(command, [
    ['sluice keys list', 'the newest twenty'],
    ['sluice keys list --limit 1000 --json', 'for a program'],
  ]);
}

function addCreate(command: Command): Command {
  command
    .summary('make a key')
    .description('Make a key, which is printed, once.')
    .argument('<name>', 'what people know it by')
    .option('--project <id>', 'whose it is (default: your own)')
    .option('--expires <when>', 'when it ends: 30d, 2027-01-31 or 2027-01-31T12:00:00Z', moment)
    .option('--models <names>', 'what it may call, separated by commas', list)
    .option('--routes <paths>', 'where it may go, separated by commas: /generate,/v1/*', list);
  addBoundOptions(command).option(...BASE_URL);
  return addExamples(command, [
    ['sluice keys create shop --rpm 60 --budget 20/month > key.txt', 'the key alone goes into the file'],
    ['sluice keys create batch --routes "/v1/*" --models gpt-4o-mini --expires 30d', 'for little, and not for long'],
  ]);
}

function addRotate(command: Command): Command {
  command
    .summary('give a key another secret')
    .description('Give a key another secret, which is printed, once. The one before goes on working for a while.')
    .argument('<key>', WHICH)
    .option('--overlap <time>', 'how long the one before goes on: 0, 90s, 15m, 1h, 7d (default: a day)', seconds)
    .option(...BASE_URL);
  return addExamples(command, [
    ['sluice keys rotate shop --overlap 1h', 'callers have an hour to change over'],
    ['sluice keys rotate shop --overlap 0', 'the one before is void at once'],
  ]);
}

function addRevoke(command: Command): Command {
  command
    .summary('end a key')
    .description('End a key: it is void everywhere within a second.')
    .argument('<key>', WHICH)
    .option('-y, --yes', 'it is meant')
    .option(...BASE_URL);
  return addExamples(command, [['sluice keys revoke shop --yes', 'nothing asks back']]);
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function seconds(text: string): number {
  const [, count, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('It is not like 0, 90s, 15m, 1h or 7d.');
  return Number(count) * (SECONDS[unit] ?? 1);
}

const DAYS = /^(\d{1,5})d$/;
const TIME = /^\d{4}-\d{2}-\d{2}(T.+)?$/;

function moment(text: string): string {
  const days = DAYS.exec(text)?.[1];
  const at = days === undefined ? Date.parse(TIME.test(text) ? text : '') : Date.now() + Number(days) * 86_400_000;
  if (Number.isNaN(at)) throw new InvalidArgumentError('It is not like 30d, 2027-01-31 or 2027-01-31T12:00:00Z.');
  return new Date(at).toISOString();
}

function list(text: string): readonly string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
