import { InvalidArgumentError } from 'commander';
import { addExamples, type CommandGroup, SECTION } from '../command-group.ts';

type Options = { readonly host?: string; readonly port?: string; readonly worker: boolean };

export const addServe: CommandGroup = (program, { local, json }) => {
  const command = program
    .command('serve')
    .helpGroup(SECTION.run)
    .summary('start the service')
    .description(
      'Start the service: API, docs, embedded database and the work on jobs in one process. Settings come from the environment, .env and sluice.config.yaml; none has to be set. Ctrl-C lets answers in flight finish; a second one ends it at once.',
    )
    .option('--host <address>', 'where to listen; 0.0.0.0 is every address of this machine (default: API_HOST, or 127.0.0.1)')
    .option('--port <number>', 'where to listen; 0 takes any free port (default: API_PORT, or 8000)', portNumber)
    .option('--no-worker', 'leave the work on jobs to `sluice worker` or `sluice jobs process`')
    .action((options: Options) => local.serve({ settings: settingsOf(options), json, worker: options.worker }));
  addExamples(command, [
    ['sluice serve', 'on http://127.0.0.1:8000'],
    ['OPENAI_API_KEY=sk-... sluice serve', 'with real models beside the demo'],
    ['sluice serve --host 0.0.0.0 --port 9000', 'for others in this network, on another port'],
  ]);
};

function settingsOf({ host, port }: Options): Record<string, string> {
  return { ...(host === undefined ? {} : { API_HOST: host }), ...(port === undefined ? {} : { API_PORT: port }) };
}

const PORT_MAX = 65_535;

function portNumber(text: string): string {
  if (!/^\d{1,5}$/.test(text) || Number(text) > PORT_MAX) throw new InvalidArgumentError(`A port is a whole number from 0 to ${PORT_MAX}.`);
  return text;
}
