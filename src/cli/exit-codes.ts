/** How a command ends; scripts go by it. */
export const EXIT = { ok: 0, failed: 1, wrongUsage: 2, interrupted: 130 } as const;

export const EXIT_MEANINGS: readonly { readonly code: number; readonly meaning: string }[] = [
  { code: EXIT.ok, meaning: 'it worked' },
  { code: EXIT.failed, meaning: 'it failed, or found something wrong' },
  { code: EXIT.wrongUsage, meaning: 'it was called wrongly' },
  { code: EXIT.interrupted, meaning: 'Ctrl-C ended it before it was done' },
];
