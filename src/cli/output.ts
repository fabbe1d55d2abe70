import { EXIT } from './exit-codes.ts';

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
