import type { Command } from 'commander';
import { addExamples, type CommandContext, type CommandGroup, SECTION } from '../command-group.ts';
import type { PullOptions } from '../models-pull.ts';

export const addModels: CommandGroup = (program, context) => {
  const models = program
    .command('models')
    .helpGroup(SECTION.administer)
    .summary('models that run on this machine')
    .description('Models that run on this machine: files in the folder `models` under DATA_DIR. A running service finds those that come and go by itself.');
  addExamples(models, [['sluice models pull tinyllama', 'a small one to begin with; then ask for `local`']]);
  for (const add of [addList, addPull, addRemove, addInfo]) add(models, context);
};

function addList(models: Command, { local, json }: CommandContext): void {
  const list = models
    .command('list')
    .summary('what is here, and what can be had')
    .description('List the models that are here, and a few that run well and can be had.')
    .action(async () => {
      const { listModels } = await import('../models.ts');
      listModels(await local.models(), json);
    });
  addExamples(list, [
    ['sluice models list', 'a table'],
    ['sluice models list --json', 'for a program'],
  ]);
}

function addPull(models: Command, { local, json }: CommandContext): void {
  const pull = models
    .command('pull')
    .argument('<model>', 'a name from the list, owner/repository/file.gguf on Hugging Face, or a URL')
    .summary('fetch a model')
    .description(
      'Fetch a model, going on where an earlier attempt broke off, and check it. HF_TOKEN opens repositories that ask for it; MODEL_MIRROR names another place to fetch from.',
    )
    .option('--name <name>', 'what it is called here (default: its own name)')
    .option('--file <path>', 'take this file by hand, and fetch nothing')
    .option('--sha256 <checksum>', 'what the file has to have; known by itself for the models of the list')
    .option('--force', 'fetch it again, although it is here')
    .action(async (model: string, options: Omit<PullOptions, 'json'>) => {
      const { pullModel } = await import('../models-pull.ts');
      await pullModel(await local.models(), model, { ...options, json }, local.env);
    });
  addExamples(pull, [
    ['sluice models pull tinyllama', 'one of the list'],
    ['sluice models pull Qwen/Qwen2.5-3B-Instruct-GGUF/qwen2.5-3b-instruct-q4_k_m.gguf --name qwen3b', 'any other on Hugging Face'],
    ['sluice models pull tinyllama --file ~/Downloads/tinyllama.gguf', 'one that came another way'],
  ]);
}

function addRemove(models: Command, { local, json }: CommandContext): void {
  const remove = models
    .command('rm')
    .argument('<name>', 'of a model that is here')
    .summary('remove a model')
    .description('Remove the file of a model, or what there is of one that was not fetched to its end.')
    .option('-y, --yes', 'it is meant')
    .action(async (name: string, { yes }: { readonly yes?: boolean }) => {
      const { removeModel } = await import('../models.ts');
      removeModel(await local.models(), name, { json, yes });
    });
  addExamples(remove, [['sluice models rm tinyllama --yes', 'gives its place on the disk back']]);
}

function addInfo(models: Command, { local, json }: CommandContext): void {
  const about = models
    .command('info')
    .argument('<name>', 'of a model that is here or in the list')
    .summary('what is known of a model')
    .description('Show what is known of a model, and what its file says of itself where it is here.')
    .action(async (name: string) => {
      const { showModel } = await import('../models.ts');
      showModel(await local.models(), name, json);
    });
  addExamples(about, [['sluice models info tinyllama', 'licence, size, context and checksum']]);
}
