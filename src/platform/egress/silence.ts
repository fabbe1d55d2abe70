import type { Clock } from '../../app.ts';

/**
 * One timer for a whole call instead of one for each wait: it looks since when somebody waits, and sleeps for what is left. Time in which
 * nobody waits, as while our own caller is slow to take a piece, is nobody's silence.
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
    this.#since = this.#clock.monotonic();
    this.#limitMs = limitMs;
    if (this.#since + limitMs < this.#dueAt) this.#lookAfter(limitMs);
  }

  pause(): void {
    this.#since = null;
  }

  stop(): void {
    this.#since = null;
    this.#cancel?.();
  }

  #lookAfter(ms: number): void {
    this.#cancel?.();
    this.#dueAt = this.#clock.monotonic() + ms;
    this.#cancel = this.#clock.after(ms, () => this.#look());
  }

  #look(): void {
    const leftMs = this.#since === null ? this.#limitMs : this.#since + this.#limitMs - this.#clock.monotonic();
    if (leftMs > 0) this.#lookAfter(leftMs);
    else this.#onSilent(this.#limitMs);
  }
}
