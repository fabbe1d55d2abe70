/** One thing that is wrong with the configuration: where, what, and how to mend it. Never holds a secret's value. */
export type ConfigProblem = { readonly where: string; readonly message: string; readonly hint?: string };

/** Everything that is wrong with the configuration, at once; its message is ready to print. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    super([`The configuration has ${count}:`, ...problems.flatMap(problemLines)].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

function problemLines(problem: ConfigProblem): string[] {
  const line = `  ${problem.where}: ${problem.message}`;
  return problem.hint === undefined ? [line] : [line, `    ${problem.hint}`];
}
