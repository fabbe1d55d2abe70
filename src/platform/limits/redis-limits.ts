import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../../app.ts';
import type { Limit } from '../../core/limits.ts';
import { every } from '../../core/every.ts';
import { isMissingScript, type Redis } from '../redis.ts';
import { type CommonVerdict, type Parcel, parcelWords, readVerdicts, type Settlement, type Taking } from './parcel.ts';

/** What all processes together have admitted. */
export type RedisLimits = {
  /** Counts a call against all limits, or against none. Null when Redis is away. */
  readonly take: (limits: readonly Limit[], tokens: number) => Promise<CommonVerdict | null>;
  /** What was taken at this moment of Redis weighs so much more or less; and what runs at once is no longer what it was. */
  readonly correct: (limits: readonly Limit[], atMs: number, changeOf: (limit: Limit) => number) => void;
  readonly stop: () => void;
};

type Needs = {
  readonly redis: Redis;
  readonly clock: Pick<Clock, 'after'>;
  readonly processId: string;
  /** Calls that run in this process, by the key of the limit that counts them. */
  readonly running: ReadonlyMap<string, number>;
};

/** Redis does nothing else meanwhile: some ten microseconds a call. */
const PARCEL_MAX = 200;
/** A third of what a count lives in limits.lua: a process that was killed is forgotten within 15 s, and one that is busy is not. */
const REPEAT_EVERY_MS = 4000;

const SCRIPT = readFileSync(new URL('limits.lua', import.meta.url), 'utf8');
const DIGEST = createHash('sha1').update(SCRIPT).digest('hex');

/**
 * One parcel at a time: what comes while it is under way goes with the next. So a busy process pays one round trip for many calls, and the counts in a
 * parcel leave out nothing that is still on its way.
 */
export function createRedisLimits({ redis, clock, processId, running }: Needs): RedisLimits {
  const outbox = createOutbox(running);
  let underWay = false;

  const wake = (): void => {
    if (underWay || outbox.isEmpty()) return;
    if (!redis.isUp()) {
      giveUp([]);
      return;
    }
    underWay = true;
    // Takes along what else comes in this turn.
    setImmediate(() => void deliver());
  };
  const giveUp = (takings: readonly Taking[]): void => {
    for (const { tell } of [...takings, ...outbox.giveUp()]) tell(null);
  };
  const deliver = async (): Promise<void> => {
    const parcel = outbox.pack();
    try {
      const verdicts = readVerdicts(parcel, await evaluate(redis, parcelWords(processId, parcel)));
      for (const [index, { tell }] of parcel.takings.entries()) tell(verdicts[index] ?? null);
    } catch {
      giveUp(parcel.takings);
    }
    underWay = false;
    wake();
  };
  const repeat = (): void => {
    outbox.repeat();
    wake();
  };
  redis.onChange(repeat);
  const stopRepeating = every(clock, REPEAT_EVERY_MS, async () => repeat());

  return {
    take(limits, tokens) {
      const waiting = Promise.withResolvers<CommonVerdict | null>();
      outbox.takings.push({ limits, tokens, tell: waiting.resolve });
      wake();
      return waiting.promise;
    },
    correct(limits, atMs, changeOf) {
      for (const limit of limits) {
        const change = changeOf(limit);
        if (limit.kind === 'parallel') outbox.held.add(limit.key);
        else if (change !== 0) outbox.settlements.push({ limit, atMs, change });
      }
      wake();
    },
    stop: () => void stopRepeating(),
  };
}

type Outbox = {
  readonly takings: Taking[];
  readonly settlements: Settlement[];
  /** Keys whose count in Redis is to be set right. */
  readonly held: Set<string>;
  readonly isEmpty: () => boolean;
  readonly pack: () => Parcel;
  /** Says again how many calls run, and that none do where Redis may believe otherwise. */
  readonly repeat: () => void;
  /** Nothing of it can be told: who asks is answered by others, and what was not used stays counted for the rest of its window. */
  readonly giveUp: () => readonly Taking[];
};

function createOutbox(running: ReadonlyMap<string, number>): Outbox {
  const takings: Taking[] = [];
  const settlements: Settlement[] = [];
  const held = new Set<string>();
  /** Keys of which Redis may have a count of ours. */
  const told = new Set<string>();

  return {
    takings,
    settlements,
    held,
    isEmpty: () => takings.length + settlements.length + held.size === 0,
    pack() {
      const counts = new Map<string, number>();
      for (const key of held) {
        if (counts.size === PARCEL_MAX) break;
        const count = running.get(key) ?? 0;
        counts.set(key, count);
        held.delete(key);
        if (count === 0) told.delete(key);
      }
      const parcel = { takings: takings.splice(0, PARCEL_MAX), settlements: settlements.splice(0, PARCEL_MAX), held: counts };
      for (const { limits } of parcel.takings) for (const { kind, key } of limits) if (kind === 'parallel') told.add(key);
      return parcel;
    },
    repeat() {
      for (const key of [...told, ...running.keys()]) held.add(key);
    },
    giveUp() {
      settlements.length = 0;
      return takings.splice(0);
    },
  };
}

async function evaluate(redis: Redis, words: readonly string[]): Promise<unknown> {
  try {
    return await redis.send('EVALSHA', [DIGEST, ...words]);
  } catch (cause) {
    if (!isMissingScript(cause)) throw cause;
    return redis.send('EVAL', [SCRIPT, ...words]);
  }
}
