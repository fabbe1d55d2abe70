import { RedisClient } from 'bun';
import type { Clock } from '../app.ts';
import { every } from '../core/every.ts';

/** Redis or Valkey, of which nothing is expected for longer than a moment: it answers at once, or it is away until it does again. */
export type Redis = {
  readonly isUp: () => boolean;
  /** The answer to a command; rejects at once while Redis is away, and makes it away when it keeps silent or refuses. */
  readonly send: (command: string, args: string[]) => Promise<unknown>;
  /** Why it is away; null while it is up. */
  readonly trouble: () => string | null;
  /** Calls back whenever it went away or came. */
  readonly onChange: (listener: (isUp: boolean) => void) => void;
  readonly close: () => void;
};

type Needs = { readonly url: string; readonly clock: Pick<Clock, 'after'>; readonly answerWithinMs?: number };

const CONNECT_WITHIN_MS = 200;
/** With what the event loop adds, what waited for an answer in vain waited less than 50 ms. */
const ANSWER_WITHIN_MS = 40;
const PROBE_EVERY_MS = 1000;
const UNREACHABLE = 'nobody answers there in time, or the password is refused';

/** Resolves when it is up, or is known not to be. */
export async function openRedis({ url, clock, answerWithinMs = ANSWER_WITHIN_MS }: Needs): Promise<Redis> {
  let client: RedisClient | null = null;
  let trouble: string | null = null;
  let closed = false;
  const listeners: ((isUp: boolean) => void)[] = [];

  const goAway = (lost: RedisClient, reason: string): void => {
    if (client !== lost) return;
    client = null;
    trouble = reason;
    lost.close();
    for (const listener of listeners) listener(false);
  };
  const probe = async (): Promise<void> => {
    if (client !== null) return;
    const found = await connect(url, clock, answerWithinMs);
    if (found === null) trouble = UNREACHABLE;
    if (closed) found?.close();
    if (found === null || closed) return;
    [client, trouble] = [found, null];
    Object.assign(found, { onclose: (error: Error) => goAway(found, error.message) });
    for (const listener of listeners) listener(true);
  };
  await probe();
  const stop = every(clock, PROBE_EVERY_MS, probe);

  return {
    isUp: () => client !== null,
    trouble: () => trouble,
    async send(command, args): Promise<unknown> {
      const asked = client;
      if (asked === null) throw new Error('Redis is away');
      try {
        return await within(asked.send(command, args) as Promise<unknown>, clock, answerWithinMs);
      } catch (cause) {
        if (!isMissingScript(cause)) goAway(asked, messageOf(cause));
        throw cause;
      }
    },
    onChange: (listener) => void listeners.push(listener),
    close() {
      closed = true;
      void stop();
      listeners.length = 0;
      if (client) goAway(client, 'closed');
    },
  };
}

/** What Redis says when it was started anew, or was told to forget its scripts: no sign that anything is wrong with it. */
export function isMissingScript(cause: unknown): boolean {
  return cause instanceof Error && cause.message.startsWith('NOSCRIPT');
}

/** Ready, or null: the client does not tell a refused password from a port where nobody listens. */
async function connect(url: string, clock: Needs['clock'], answerWithinMs: number): Promise<RedisClient | null> {
  // The client's own patience is for people: it reconnects by itself, and keeps commands until it has.
  const client = new RedisClient(url, { autoReconnect: false, enableOfflineQueue: false, connectionTimeout: CONNECT_WITHIN_MS });
  try {
    await within(client.connect(), clock, CONNECT_WITHIN_MS);
    await within(client.send('PING', []), clock, answerWithinMs);
    return client;
  } catch {
    client.close();
    return null;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The answer, or an error when there is none in time. */
function within<Answer>(answer: Promise<Answer>, clock: Pick<Clock, 'after'>, limitMs: number): Promise<Answer> {
  const waiting = Promise.withResolvers<Answer>();
  const cancel = clock.after(limitMs, () => {
    // It may be this process that was busy: one more look at the socket, where an answer may lie unread.
    setImmediate(() => waiting.reject(new Error(`no answer within ${limitMs} ms`)));
  });
  answer.then(waiting.resolve, waiting.reject).finally(cancel);
  return waiting.promise;
}
