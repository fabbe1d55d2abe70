/** Ctrl-C came: the command has ended what it did, and there is nothing to explain. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

/** Aborts at the first Ctrl-C, so that a command can end cleanly; a second one ends the process where it stands. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort(new Interrupted()));
  return controller.signal;
}
