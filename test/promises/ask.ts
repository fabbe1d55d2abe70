/** One request of a table, and what it has to give. What is unsaid is taken from the document's own examples. */
export type Ask = {
  /** Who asks; the administrator where unsaid. */
  readonly as?: Person;
  /** Values of the path's parameters. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly json?: unknown;
  /** Instead of JSON. */
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
};

/** `leaver` is a viewer with another sign-in each time, which may be ended; `key` is a key that may use no route but those open to everybody. */
export type Person = 'nobody' | 'admin' | 'viewer' | 'changer' | 'leaver' | 'key';

export type Case = Ask & {
  readonly route: string;
  /** Status and error code, or status and type: `409 CONFLICT`, `200 text/html`. */
  readonly gives: string;
  /** Asked before it; `using` makes the rest of the request out of the answer. */
  readonly given?: Ask & { readonly route: string };
  readonly using?: (given: Readonly<Record<string, unknown>>) => Ask;
  /** Asked of the process that has no local model. */
  readonly bare?: true;
  /** So many from one address, one after the other; the last counts. */
  readonly times?: number;
  /** So many at the same moment; one of them has to give it. */
  readonly atOnce?: number;
};

/** What a slice adds to what follows from the document: requests that suit its routes better than the examples, and its own cases. */
export type Slice = { readonly suited: Readonly<Record<string, Ask>>; readonly cases: readonly Case[] };
