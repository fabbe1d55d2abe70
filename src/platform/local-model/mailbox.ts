/** Passes on what comes at times of its own choosing to one who reads at their own: what came since the last read is one batch. */
export type Mailbox<Item> = {
  readonly put: (item: Item) => void;
  /** Nothing comes after this. */
  readonly close: () => void;
  readonly fail: (cause: unknown) => void;
  readonly read: () => AsyncGenerator<readonly Item[]>;
};

export function createMailbox<Item>(): Mailbox<Item> {
  let items: Item[] = [];
  let end: { readonly cause: unknown } | 'closed' | null = null;
  let wake: (() => void) | null = null;
  const finish = (how: typeof end): void => {
    end ??= how;
    wake?.();
  };
  return {
    put(item) {
      if (end !== null) return;
      items.push(item);
      wake?.();
    },
    close: () => finish('closed'),
    fail: (cause) => finish({ cause }),
    async *read() {
      for (;;) {
        if (items.length > 0) {
          const batch = items;
          items = [];
          yield batch;
        } else if (end === 'closed') return;
        else if (end !== null) throw end.cause;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
