import { EVERY_PROJECT } from '../../../app.ts';
import type { Cancellation } from '../../../core/cancellation.ts';
import type { Outcome } from '../run/outcomes.ts';
import { recordOutcomes } from '../run/outcomes.ts';
import { type ClaimedRow, putBack } from '../run/store.ts';
import { type JobsApp, principalOf } from '../run/world.ts';
import type { JobRow } from '../store.ts';
import { type Drafts, fill, placeOf } from './fill.ts';
import { claimPage, sealDrafts } from './lines/store.ts';
import { prepare, type Ready } from './prepare.ts';

type Planning = { readonly job: JobRow; readonly workerId: string; readonly signal: Cancellation };

const PAGE_FIRST = 16;
const PAGE_MAX = 250;
/** Of bodies in one page, so that long ones need no more memory than short ones. */
const PAGE_CHARS = 4_000_000;

/**
 * The requests of a job become batches, a page of them at a time: each is written down before its provider hears of it. Any number of processes
 * may do so at once. Says no where the rest waits for money that batches under way hold.
 */
export async function plan(app: JobsApp, planning: Planning): Promise<boolean> {
  const { job, workerId, signal } = planning;
  const drafts: Drafts = new Map();
  let paid = true;
  for (let limit = PAGE_FIRST; paid;) {
    signal.throwIfAborted();
    const rows = await app.inProject(EVERY_PROJECT, (db) => claimPage(db, { workerId, jobId: job.id, limit }));
    if (rows.length === 0) break;
    paid = await planPage(app, planning, { rows, drafts }).catch(async (cause: unknown) => {
      await app.inProject(EVERY_PROJECT, (db) => putBack(db, { jobId: job.id, claimedBy: workerId }, rows.map(unasked)));
      throw cause;
    });
    const chars = rows.reduce((sum, { body }) => sum + JSON.stringify(body).length, 0);
    limit = Math.max(1, Math.min(PAGE_MAX, limit * 4, Math.floor((rows.length * PAGE_CHARS) / chars)));
  }
  await app.inProject(EVERY_PROJECT, (db) => sealDrafts(db, { jobId: job.id }));
  return paid;
}

/** It waits again, as if nobody had had it. */
function unasked({ line }: ClaimedRow): { readonly line: number; readonly waitMs: number; readonly counts: boolean } {
  return { line, waitMs: 0, counts: false };
}

type Page = { readonly rows: readonly ClaimedRow[]; readonly drafts: Drafts };

async function planPage(app: JobsApp, { job, workerId, signal }: Planning, { rows, drafts }: Page): Promise<boolean> {
  const principal = await principalOf(app, job);
  const outcomes: Outcome[] = [];
  const ready: Ready[] = [];
  for (const row of rows) {
    const prepared = await prepare(app, { job, row, principal, signal });
    if ('outcome' in prepared) outcomes.push(prepared.outcome);
    else ready.push(prepared.ready);
  }
  await recordOutcomes(app, workerId, outcomes);
  if (principal === null) return true;
  let paid = true;
  for (const group of Map.groupBy(ready, placeOf).values()) paid = (await fill(app, { job, workerId, principal, drafts }, group)) && paid;
  return paid;
}
