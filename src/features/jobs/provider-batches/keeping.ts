import { EVERY_PROJECT } from '../../../app.ts';
import { type Cancellation, Canceller } from '../../../core/cancellation.ts';
import { every } from '../../../core/every.ts';
import type { JobsApp } from '../run/world.ts';
import { keepBatch, letGoOfBatch, type ProviderBatch } from './store.ts';
import { NotKept } from './stepping.ts';

type App = Pick<JobsApp, 'inProject' | 'clock' | 'config' | 'newId'>;
type Kept = { readonly id: string; readonly signal: Cancellation };

const KEPT_PER_LEASE = 3;

/** Works on a batch as the only one, if nobody else does; the work hears it where others thought that nobody was at it. */
export async function whileKept(app: App, { id, signal: outer }: Kept, work: (batch: ProviderBatch, signal: Cancellation) => Promise<void>): Promise<void> {
  const keeper = app.newId('keep');
  const leaseS = app.config().settings.jobLeaseS;
  const keep = (): Promise<ProviderBatch | null> => app.inProject(EVERY_PROJECT, (db) => keepBatch(db, { id, keeper, seconds: leaseS }));
  const batch = await keep();
  if (batch === null) return;
  const canceller = new Canceller();
  const leave = (): void => canceller.abort(outer.reason);
  if (outer.aborted) leave();
  else outer.addEventListener('abort', leave, { once: true });
  let keptAt = app.clock.monotonic();
  const stop = every(app.clock, (leaseS * 1000) / KEPT_PER_LEASE, async () => {
    const askedAt = app.clock.monotonic();
    const kept = await keep().catch(() => undefined);
    if (kept) keptAt = askedAt;
    if (kept === null || app.clock.monotonic() - keptAt > (leaseS * 1000) / 2) canceller.abort(new NotKept('somebody else keeps this batch'));
  });
  try {
    await work(batch, canceller);
  } catch (cause) {
    // Whoever has it now does the same from where it is.
    if (!(cause instanceof NotKept) && !canceller.aborted) throw cause;
  } finally {
    outer.removeEventListener('abort', leave);
    // A sign of life that is under way would come after the farewell, and keep the batch for nobody.
    await stop();
    await app.inProject(EVERY_PROJECT, (db) => letGoOfBatch(db, batch));
  }
}
