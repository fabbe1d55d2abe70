import { CommandError } from './command-error.ts';
import { EXIT } from './exit-codes.ts';
import { Interrupted } from './interruption.ts';

/** A reader that has seen enough (`sluice openapi | head`) is no failure, and nothing more is done for it. */
export function endWhenNobodyReads(): void {
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => process.exit(cause.code === 'EPIPE' ? EXIT.ok : EXIT.failed));
}

/** A pipe takes 64 KB at a time: whoever ends the process before this resolves cuts the rest off. */
export function written(): Promise<void> {
  return new Promise((resolve) => process.stdout.end(() => resolve()));
}

export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** What the service answers, in pieces, as long as it is. */
export async function copyOut({ body }: Response, what: string, out: NodeJS.WritableStream = process.stdout): Promise<void> {
  try {
    for await (const piece of body ?? []) await taken(out, piece);
  } catch (cause) {
    if (cause instanceof Interrupted) throw cause;
    throw new CommandError(`${what} broke off`, { hint: `The connection to the service ended before ${what} did.` });
  }
}

/** Waits for a reader that is slower than the service. */
function taken(out: NodeJS.WritableStream, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => void out.write(piece, (cause) => (cause ? reject(cause) : resolve())));
}
