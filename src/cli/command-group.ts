import type { Command } from 'commander';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What runs in this process and not over HTTP; handed in by main.ts, which alone may load it. */
export type Local = {
  readonly env: Environment;
  readonly serve: (options: { readonly settings: Environment; readonly json: boolean; readonly worker: boolean }) => Promise<void>;
  readonly work: (options: { readonly json: boolean }) => Promise<void>;
  readonly processJobs: () => Promise<void>;
  /** Answers the migrations that it applied. */
  readonly migrate: () => Promise<readonly string[]>;
  readonly checkConfig: (options: { readonly json: boolean }) => Promise<number>;
  readonly doctor: (options: { readonly json: boolean }) => Promise<number>;
  readonly openapi: () => Promise<string>;
  readonly models: () => Promise<ModelShelf>;
};

/** The models of this machine, as the configuration has them. */
export type ModelShelf = {
  readonly folder: string;
  /** The file that `local` means; null where there is none. */
  readonly served: string | null;
  readonly mirror: string;
  readonly token: string | null;
  /** What the head of a file says; throws, in words, where it is no model that can be loaded. */
  readonly look: (path: string) => ModelLook;
};
export type ModelLook = {
  readonly architecture: string;
  readonly license: string | null;
  readonly contextTokens: number;
  readonly layers: number;
  readonly vocabulary: number;
  readonly parameters: number;
  readonly makes: 'text' | 'vectors';
};

/** What a command is given besides its own words. */
export type CommandContext = {
  readonly local: Local;
  /** Whether `--json` was given, which every command takes. */
  readonly json: boolean;
  readonly finish: (exitCode: number) => void;
};

/**
 * Puts the commands of one file of commands/ on the program. All of these files are loaded for every command, `sluice --version` too: what a
 * command needs in order to run is imported when it runs.
 */
export type CommandGroup = (program: Command, context: CommandContext) => void;

/** Where a command stands in `sluice --help`. */
export const SECTION = { run: 'Run it:', check: 'Check it:', use: 'Use it:', administer: 'Manage it:' } as const;

/** For every command that talks to a running service. */
export const BASE_URL = ['--base-url <url>', 'address of the service (default: SLUICE_URL, or http://127.0.0.1:8000)'] as const;

type Example = readonly [line: string, meaning: string];

/** Each help ends with lines that can be copied. */
export function addExamples(command: Command, examples: readonly Example[]): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, meaning]) => `  ${line.padEnd(width)}   ${meaning}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
