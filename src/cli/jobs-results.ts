import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { administer, type AdministrationOptions } from './administration.ts';
import { CommandError } from './command-error.ts';
import type { Environment } from './command-group.ts';
import { EXIT } from './exit-codes.ts';
import { copyOut } from './output.ts';

export type ResultsOptions = AdministrationOptions & { readonly format: string; readonly failed?: boolean; readonly output?: string };

/** What came of a job, as it is read from the service: on standard output, or into a file. */
export function writeResults(id: string, options: ResultsOptions, env: Environment): Promise<void> {
  if (options.json && options.format !== 'jsonl') {
    throw new CommandError(`--json and --format ${options.format} are given`, { hint: 'Give one of them; JSONL is JSON.', exitCode: EXIT.wrongUsage });
  }
  return administer(options, env, async ({ client }) => {
    const query = new URLSearchParams({ format: options.format, ...(options.failed === true ? { status: 'failed' } : {}) });
    const response = await client.get(`/api/v1/jobs/${encodeURIComponent(id)}/responses?${query.toString()}`);
    if (options.output === undefined) return copyOut(response, 'the results');
    const file = createWriteStream(options.output);
    await once(file, 'open').catch((cause: unknown) => {
      throw new CommandError(`${options.output} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { hint: 'Name another file.' });
    });
    await copyOut(response, 'the results', file);
    await new Promise<void>((resolve) => file.end(() => resolve()));
    process.stderr.write(`Wrote ${options.output}.\n`);
  });
}
