import { AppError } from '../contract/errors.ts';

/** Work that fills a core and 19 MiB, some of it at once and the rest in order of arrival. A line that is too long is refused, not joined. */
export type PasswordPool = { readonly run: <Result>(work: () => Promise<Result>) => Promise<Result> };

export type PoolSize = { readonly atOnce: number; readonly waitingMax: number };

const WORK_MS = 30;

export function createPasswordPool({ atOnce, waitingMax }: PoolSize): PasswordPool {
  const waiting: (() => void)[] = [];
  let running = 0;

  return {
    async run(work) {
      if (running >= atOnce) {
        if (waiting.length >= waitingMax) {
          throw new AppError('SERVICE_UNAVAILABLE', {
            message: 'Too many sign-ins at once; try again shortly',
            retryAfterMs: Math.max(1000, Math.ceil((waitingMax * WORK_MS) / atOnce)),
          });
        }
        // Whoever leaves hands the place over, so that nobody new can slip in between.
        await new Promise<void>((enter) => waiting.push(enter));
      } else running++;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else running--;
      }
    },
  };
}
