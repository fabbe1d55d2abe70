import type { App } from '../app.ts';
import type { Sink } from './route.ts';

const PING_AFTER_MS = 15_000;

/** A comment every 15 s of silence keeps proxies and callers from giving up. */
export function pingWhenSilent(app: Pick<App, 'clock'>, sink: Sink): { wrote: () => void; stop: () => void } {
  let wroteAt = app.clock.monotonic();
  const check = (): void => {
    const silentMs = app.clock.monotonic() - wroteAt;
    if (silentMs >= PING_AFTER_MS) {
      wroteAt = app.clock.monotonic();
      void sink.write(': ping\n\n');
    }
    cancel = app.clock.after(PING_AFTER_MS - Math.min(silentMs, PING_AFTER_MS - 1), check);
  };
  let cancel = app.clock.after(PING_AFTER_MS, check);
  return {
    wrote: () => {
      wroteAt = app.clock.monotonic();
    },
    stop: () => cancel(),
  };
}
