import type { Clock } from '../../app.ts';

/**
 * One timer for all that is waited for on a connection, instead of one for each wait: it looks since when somebody waits, and sleeps for what
 * is left. Time in which nobody waits, as while our own caller is slow to take a piece, is nobody's silence.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #onSilent: (limitMs: number) => void;
  #limitMs = 0;
  #since: number | null = null;
  #dueAt = Infinity;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, onSilent: (limitMs: number) => void) {
    this.#clock = clock;
    this.#onSilent = onSilent;
  }

  /** From now on, somebody waits, and for this long at most. */
  listen(limitMs: number): void {
    const now = this.#clock.monotonic();
    this.#since = now;
    this.#limitMs = limitMs;
    if (now + limitMs < this.#dueAt) this.#lookAt(now + limitMs, now);
  }

  /** Nobody waits now. The timer is left as it is: taking it back would cost each call more than one look in a while does. */
  pause(): void {
    this.#since = null;
  }

  stop(): void {
    this.#since = null;
    this.#cancel?.();
  }

  #lookAt(dueAt: number, now: number): void {
    this.#cancel?.();
    this.#dueAt = dueAt;
    this.#cancel = this.#clock.after(dueAt - now, () => this.#look());
  }

  #look(): void {
    this.#dueAt = Infinity;
    if (this.#since === null) return;
    const now = this.#clock.monotonic();
    const dueAt = this.#since + this.#limitMs;
    if (dueAt > now) this.#lookAt(dueAt, now);
    else this.#onSilent(this.#limitMs);
  }
}
