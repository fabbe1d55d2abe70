/** Where the content of files is: by its id, whole or not at all. */
export type Blobs = {
  /** Takes in all of it, or throws and leaves nothing of it. When it answers, the content is durable. */
  readonly write: (id: string, content: AsyncIterable<Uint8Array>) => Promise<void>;
  /** From a byte on, up to and with another one. Throws where there is no such content. A piece holds until the next one is asked for. */
  readonly read: (id: string, range: ByteRange) => AsyncIterable<Uint8Array>;
  /** Does nothing where there is none; takes away what a process left that died over it. */
  readonly remove: (id: string) => Promise<void>;
  /** Throws with a reason where nothing can be kept. */
  readonly check: () => Promise<void>;
};

/** `to` is the last byte; without it, all to the end. */
export type ByteRange = { readonly from: number; readonly to?: number };
