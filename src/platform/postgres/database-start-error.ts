/** The database cannot be used. `hint` says what to do about it; neither of the two ever holds a password. */
export class DatabaseStartError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DatabaseStartError';
    this.hint = hint;
  }
}

/** The `code` of a system, SQLite or Postgres error: `EACCES`, `SQLITE_BUSY`, `57P03`. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
