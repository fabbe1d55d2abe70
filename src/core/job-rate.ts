/** How fast a job goes, and how long it will yet take: from what was seen of it. Times in Unix milliseconds. */
export type JobRate = { readonly atMs: number; readonly done: number; readonly perS: number | null };
export type Seen = { readonly atMs: number; readonly done: number; readonly startedAtMs: number | null };

/** What is older counts less and less. */
const MEMORY_MS = 300_000;
/** From fewer nobody can tell how long the rest takes. */
const ENOUGH = 30;

/** The rate with one more look. Until there is a memory's worth of looks it is the mean since the start. */
export function nextRate(before: JobRate | null, { atMs, done, startedAtMs }: Seen): JobRate {
  const sinceStartMs = startedAtMs === null ? 0 : atMs - startedAtMs;
  // A retry takes outcomes away, and begins anew.
  if (before === null || before.perS === null || done < before.done) {
    return { atMs, done, perS: done > 0 && sinceStartMs > 0 ? (done / sinceStartMs) * 1000 : null };
  }
  const passedMs = atMs - before.atMs;
  if (passedMs <= 0) return before;
  const now = ((done - before.done) / passedMs) * 1000;
  const weight = Math.min(1, Math.max(1 - Math.exp(-passedMs / MEMORY_MS), sinceStartMs > 0 ? passedMs / sinceStartMs : 0));
  return { atMs, done, perS: before.perS + (now - before.perS) * weight };
}

/** Null while nobody can tell. */
export function secondsLeft({ perS, done }: JobRate, total: number): number | null {
  if (done >= total) return 0;
  return perS === null || perS <= 0 || done < ENOUGH ? null : (total - done) / perS;
}
