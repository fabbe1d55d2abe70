import type { Clock, Log } from '../../app.ts';
import { every } from '../../core/every.ts';
import { messageOf } from '../postgres/database-start-error.ts';
import type { Beat } from '../postgres/money.ts';

export type PresenceNeeds = {
  readonly beat: (deadAfterS: number) => Promise<Beat>;
  readonly register: () => Promise<void>;
  /** The others took this process for dead and shared out what it held. */
  readonly onBuried: () => void;
  readonly clock: Clock;
  readonly log: Log;
};

export type Presence = {
  /** Whether the others take this process for alive, as far as it can know. */
  readonly isAlive: () => boolean;
  /** Processes that live, this one included. */
  readonly processCount: () => number;
  /** Resolves when no sign of life is under way. */
  readonly stop: () => Promise<void>;
};

const BEAT_MS = 5000;
const DEAD_AFTER_S = 50;
/** Earlier than the others think so, since clocks and answers take their time. */
const UNSURE_AFTER_MS = 40_000;

/** Says every few seconds that this process lives, counts those that do, and buries those that do not. */
export async function startPresence(needs: PresenceNeeds): Promise<Presence> {
  const { clock } = needs;
  let seenAt = clock.monotonic();
  let count = 1;

  const beat = async (): Promise<void> => {
    const beganAt = clock.monotonic();
    const { known, alive } = await needs.beat(DEAD_AFTER_S);
    if (!known) {
      needs.onBuried();
      await needs.register();
      needs.log.warning('this process was silent for so long that the others took it for dead; what it held of budgets is free again');
    }
    seenAt = beganAt;
    count = Math.max(1, known ? alive : alive + 1);
  };
  await needs.register();
  await beat();
  const stop = every(clock, BEAT_MS, () =>
    beat().catch((cause: unknown) => needs.log.debug('the sign of life did not reach the database', { reason: messageOf(cause) })),
  );

  return {
    isAlive: () => clock.monotonic() - seenAt < UNSURE_AFTER_MS,
    processCount: () => count,
    stop,
  };
}
