import type { App } from '../../../app.ts';
import type { Cancellation } from '../../../core/cancellation.ts';

/** What is worked on here: each thing once at a time, so many together, and one that cannot go on is left alone for a while. */
export type Tasks = {
  readonly begin: (id: string, work: () => Promise<void>) => void;
  readonly rest: (id: string) => void;
  /** Until the first of those that rest may go on. */
  readonly nextMs: () => number;
  readonly running: () => readonly Promise<void>[];
};

type Needs = Pick<App, 'clock' | 'log' | 'config'> & {
  readonly stopping: Cancellation;
  readonly onOver: () => void;
};

const AT_ONCE = 8;

export function createTasks({ clock, log, config, stopping, onOver }: Needs): Tasks {
  const busy = new Map<string, Promise<void>>();
  const resting = new Map<string, number>();
  const rest = (id: string): void => {
    resting.set(id, clock.monotonic() + config().settings.jobBatchPollS * 1000);
  };
  return {
    rest,
    begin(id, work) {
      if ((resting.get(id) ?? 0) > clock.monotonic() || busy.has(id) || busy.size >= AT_ONCE || stopping.aborted) return;
      resting.delete(id);
      const failed = (cause: unknown): void => {
        rest(id);
        if (!stopping.aborted) log.error('a batch at a provider cannot be moved on for now', { subject: id, reason: wordsOf(cause) });
      };
      const over = (): void => {
        busy.delete(id);
        onOver();
      };
      busy.set(id, work().catch(failed).finally(over));
    },
    nextMs() {
      const now = clock.monotonic();
      return Math.min(...[...resting.values()].map((until) => until - now));
    },
    running: () => [...busy.values()],
  };
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
