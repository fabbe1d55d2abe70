import { createInterface } from 'node:readline';
import type { Log } from '../../app.ts';
import type { Permit } from '../../app/spending.ts';
import { AppError } from '../../contract/errors.ts';
import { systemClock } from '../clock.ts';
import { openRedis } from '../redis.ts';
import { createLimiter } from './limiter.ts';

/**
 * One of several processes that share limits, for tests: \`bun limiter.test-program.ts <redis url> <processes> [<ms to wait for Redis>]\`. It prints one JSON
 * object a line, and takes one a line from stdin.
 */
type Command =
  /** Calls of one address, so many a second. One that is refused comes back once if it obeys. */
  | { readonly do: 'visit'; readonly limit: number; readonly windowMs: number; readonly calls: number; readonly perSecond: number; readonly obeys: boolean }
  | { readonly do: 'enter'; readonly maxParallel: number }
  | { readonly do: 'leave' };

const [url = '', processes = '1', answerWithinMs] = process.argv.slice(2);

function say(event: string, fields: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

/** The same in all processes of a machine. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

const note = (message: string): void => say('log', { message, at: now() });
const log: Log = { debug: note, info: note, warning: note, error: note };
const redis = await openRedis({ url, clock: systemClock, ...(answerWithinMs === undefined ? {} : { answerWithinMs: Number(answerWithinMs) }) });
const limiter = createLimiter({ clock: systemClock, log, redis, processId: `proc_${process.pid}`, processCount: () => Number(processes) });

type Attempt = { readonly from: number; readonly to: number; readonly admitted: boolean; readonly retryAfterMs: number; readonly headers: Permit['headers'] };

async function attempt(run: () => unknown): Promise<Attempt> {
  const from = now();
  try {
    const headers = (await run()) as Permit['headers'];
    return { from, to: now(), admitted: true, retryAfterMs: 0, headers };
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    return { from, to: now(), admitted: false, retryAfterMs: cause.parts.retryAfterMs ?? 0, headers: cause.parts.headers ?? {} };
  }
}

const MEANWHILE_MS = 50;
/** How much later than it should this process does anything at all just now. */
async function lateness(): Promise<number> {
  const from = now();
  await systemClock.sleep(MEANWHILE_MS);
  return now() - from - MEANWHILE_MS;
}

async function visits({ limit, windowMs, calls, perSecond, obeys }: Command & { readonly do: 'visit' }): Promise<void> {
  const visit = (): unknown => limiter.visit('thing', { limit, windowMs, words: `${limit} per ${windowMs}` }, '203.0.113.1');
  const beganAt = now();
  const one = async (nth: number): Promise<object[]> => {
    await systemClock.sleep(Math.max(1, beganAt + (nth * 1000) / perSecond - now()));
    const [attempted, lateMs] = await Promise.all([attempt(visit), lateness()]);
    const first = { ...attempted, lateMs };
    if (first.admitted || !obeys) return [first];
    // As a caller reads it: in whole milliseconds, rounded up.
    await systemClock.sleep(Math.ceil(first.retryAfterMs));
    return [first, { ...(await attempt(visit)), again: true }];
  };
  say('visited', { calls: (await Promise.all(Array.from({ length: calls }, (_, nth) => one(nth)))).flat() });
}

const permits: Permit[] = [];
async function enter(maxParallel: number): Promise<void> {
  const { admitted } = await attempt(async () => {
    const permit = await limiter.enter([{ scope: 'key', id: 'key_1', rpm: null, tpm: null, maxParallel }], 0);
    permits.push(permit);
    return permit.headers;
  });
  say('entered', { admitted });
}

say('ready', limiter.state());
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  if (command.do === 'visit') void visits(command);
  else if (command.do === 'enter') await enter(command.maxParallel);
  else permits.pop()?.leave(0);
}
limiter.stop();
redis.close();
