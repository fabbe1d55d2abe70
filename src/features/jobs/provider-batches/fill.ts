import { EVERY_PROJECT } from '../../../app.ts';
import type { AppError } from '../../../contract/errors.ts';
import type { Principal } from '../../../contract/policy.ts';
import { afterRow } from '../../../core/row-retry.ts';
import { recordOutcomes } from '../run/outcomes.ts';
import { unansweredOutcome } from '../run/row.ts';
import { putBack } from '../run/store.ts';
import type { JobsApp } from '../run/world.ts';
import type { JobRow } from '../store.ts';
import { holdOfEach, NoRoom } from './hold.ts';
import { addLines, type Line, openDraft, sealDrafts } from './lines/store.ts';
import type { Ready } from './prepare.ts';
import { hasOpenBatches } from './store.ts';

export type Filling = { readonly job: JobRow; readonly workerId: string; readonly principal: Principal; readonly drafts: Drafts };
/** The batches that are being filled, by place and kind. */
export type Drafts = Map<string, Draft>;
type Draft = { readonly id: string; requests: number; bytes: number };

/** Of an id of ours in a request: its line stands behind it. */
export function customIdOf(batchId: string, line: number): string {
  return `${batchId}_${line}`;
}

export function placeOf({ candidate, encoded }: Ready): string {
  return JSON.stringify([candidate.provider.id, candidate.model, encoded.kind]);
}

/** Puts requests of one place and kind into as many batches as they need. Says no where money for the rest will come back. */
export async function fill(app: JobsApp, filling: Filling, all: readonly Ready[]): Promise<boolean> {
  let roomNanoUsd = Number.POSITIVE_INFINITY;
  for (let rest = all; rest.length > 0;) {
    const draft = await draftOf(app, filling, rest);
    const fitting = fittingIn(draft, rest);
    if (fitting.length === 0) {
      if (draft.requests === 0) rest = await leaveTooLarge(app, filling, rest);
      else await seal(app, filling, rest);
      continue;
    }
    const lines = paidBy(roomNanoUsd, fitting);
    const added = await add(app, filling, { draft, rest, lines });
    if (added instanceof NoRoom) {
      roomNanoUsd = added.roomNanoUsd;
      if (paidBy(roomNanoUsd, fitting).length > 0) continue;
      return leaveUnpaid(app, filling, { rest, error: added.refusal });
    }
    if (added) rest = rest.slice(lines.length);
  }
  return true;
}

type Some = readonly Ready[];

async function draftOf(app: JobsApp, { job, principal, drafts }: Filling, [first]: Some): Promise<Draft> {
  if (first === undefined) throw new Error('nothing is to be filled in');
  const known = drafts.get(placeOf(first));
  if (known) return known;
  const { candidate, encoded } = first;
  const opened = await app.inProject(EVERY_PROJECT, (db) =>
    openDraft(db, {
      id: app.newId('pb'),
      job_id: job.id,
      project_id: job.project_id,
      provider: candidate.provider.id,
      model: candidate.model,
      kind: encoded.kind,
      principal: JSON.stringify(principal),
      price: JSON.stringify(candidate.price),
    }),
  );
  const draft = { id: opened.id, requests: opened.requests, bytes: opened.bytes };
  drafts.set(placeOf(first), draft);
  return draft;
}

/** Around each request there is a comma or a line end, and around all of them some more. */
const BYTES_BETWEEN = 2;

function fittingIn(draft: Draft, rest: Some): readonly Line[] {
  const lines: Line[] = [];
  let { requests, bytes } = draft;
  for (const { row, batches, encoded, worstNanoUsd } of rest) {
    const text = encoded.text(customIdOf(draft.id, row.line));
    requests++;
    bytes += Buffer.byteLength(text);
    if (requests > batches.requestsMax || bytes + requests * BYTES_BETWEEN > batches.bytesMax) break;
    lines.push({ line: row.line, text, worstNanoUsd });
  }
  return lines;
}

/** As many of the first ones as there is room for. */
function paidBy(roomNanoUsd: number, lines: readonly Line[]): readonly Line[] {
  let nanoUsd = 0;
  const tooDear = lines.findIndex(({ worstNanoUsd }) => (nanoUsd += worstNanoUsd) > roomNanoUsd);
  return tooDear === -1 ? lines : lines.slice(0, tooDear);
}

type Adding = { readonly draft: Draft; readonly rest: Some; readonly lines: readonly Line[] };

/** Says no where the batch was sealed by somebody else meanwhile. */
async function add(app: JobsApp, { workerId, principal, drafts }: Filling, { draft, rest, lines }: Adding): Promise<boolean | NoRoom> {
  const [first] = rest;
  if (first === undefined) return false;
  const holding = {
    holder: draft.id,
    budgets: principal.budgets,
    at: first.row.ran_at,
    nanoUsd: lines.reduce((sum, { worstNanoUsd }) => sum + worstNanoUsd, 0),
  };
  try {
    const counted = await app.inProject(EVERY_PROJECT, async (db) => {
      await holdOfEach(db, holding);
      const counts = await addLines(db, { batchId: draft.id, workerId, lines });
      if (counts === null) throw new Sealed();
      return counts;
    });
    draft.requests = counted.requests;
    draft.bytes = counted.bytes;
    return true;
  } catch (cause) {
    if (cause instanceof NoRoom) return cause;
    if (!(cause instanceof Sealed)) throw cause;
    drafts.delete(placeOf(first));
    return false;
  }
}

class Sealed extends Error {}

async function seal(app: JobsApp, { job, drafts }: Filling, [first]: Some): Promise<void> {
  const place = first === undefined ? '' : placeOf(first);
  const id = drafts.get(place)?.id;
  drafts.delete(place);
  if (id !== undefined) await app.inProject(EVERY_PROJECT, (db) => sealDrafts(db, { jobId: job.id, id }));
}

async function leaveTooLarge(app: JobsApp, { job, workerId }: Filling, [first, ...others]: Some): Promise<Some> {
  const message = 'This request is larger than a batch of its provider may be';
  if (first) await recordOutcomes(app, workerId, [unansweredOutcome(job.id, first.row.line, { code: 'PAYLOAD_TOO_LARGE', message })]);
  return others;
}

/** What batches under way hold may come back; without any it is as with every other call. */
async function leaveUnpaid(app: JobsApp, { job, workerId }: Filling, { rest, error }: { readonly rest: Some; readonly error: AppError }): Promise<boolean> {
  const claim = { jobId: job.id, claimedBy: workerId };
  const waitMs = app.config().settings.jobBatchPollS * 1000;
  const comesBack = await app.inProject(EVERY_PROJECT, (db) => hasOpenBatches(db, job.id));
  const judged = rest.map(({ row }) => ({ row, after: afterRow({ error, retries: row.retry_count, random: app.random() }) }));
  const again = judged.flatMap(({ row, after }) => {
    if (comesBack) return [{ line: row.line, waitMs, counts: false }];
    return after.kind === 'again' ? [{ line: row.line, waitMs: after.ms, counts: after.counts }] : [];
  });
  await app.inProject(EVERY_PROJECT, (db) => putBack(db, claim, again));
  const over = comesBack ? [] : judged.filter(({ after }) => after.kind === 'over');
  const { code, message } = error;
  await recordOutcomes(
    app,
    workerId,
    over.map(({ row }) => unansweredOutcome(job.id, row.line, { code, message })),
  );
  return !comesBack;
}
