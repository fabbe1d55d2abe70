import type { Command } from 'commander';
import { createProgram } from '../src/cli/program.ts';
import { EXIT_MEANINGS } from '../src/cli/exit-codes.ts';
import { local } from '../src/main.ts';

/** Lines longer than this are scrolled on a page. */
const WIDTH = 100;

/** docs/cli.md: what `--help` says, of every command. */
export function cliPage(generatedBy: string): string {
  const commands = everyCommand();
  const rows = commands.map((command) => `| [\`${pathOf(command)}\`](#${anchorOf(command)}) | ${command.summary() || command.description()} |`);
  const sections = commands.map((command) => `## ${pathOf(command)}\n\n\`\`\`text\n${helpOf(command)}\`\`\`\n`);
  return `<!-- Generated from src/cli/ by \`${generatedBy}\`: change the commands, not this page. -->
# Command line

In a clone the command is \`bin/sluice\`, which brings what it needs; a link to it may stand anywhere on the \`PATH\`. In the image it is what the
container runs: \`docker run … sluice doctor\`.

| | |
|---|---|
${rows.join('\n')}

- The result goes to standard output and everything else to standard error, so that \`sluice openapi > openapi.json\` holds the document alone.
- \`--json\` goes with every command. The result is then JSON, and so is an error: \`{"error": {"code", "message", "hint"}}\`, with all that
  the service said where it was the service that refused ([errors.md](errors.md)).
- Nothing is asked back: what is missing is an error that says so.
- Commands that talk to a running service find it at \`--base-url\`, else at \`SLUICE_URL\`, else at \`http://127.0.0.1:8000\`, and sign in with
  \`SLUICE_API_KEY\`, a key or a token; those that manage it with \`SLUICE_USERNAME\` and \`SLUICE_PASSWORD\`, or \`SLUICE_TOKEN\`. The others read
  the configuration where they are called ([config.md](config.md)).
- Ctrl-C ends a command cleanly, \`serve\` after the answers in flight and with 0; a second one ends it at once.

## Exit codes

| | |
|---|---|
${EXIT_MEANINGS.map(({ code, meaning }) => `| ${code} | ${meaning} |`).join('\n')}

${sections.join('\n')}`;
}

export function everyCommand(): readonly Command[] {
  return withCommandsOf(createProgram({ local, json: false, finish: () => undefined }));
}

function withCommandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withCommandsOf)];
}

export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function anchorOf(command: Command): string {
  return pathOf(command).replaceAll(' ', '-');
}

export function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
    writeOut: (piece) => {
      text += piece;
    },
  });
  command.outputHelp();
  return text;
}
