/** How soon the answers of a place began lately: the middle of the last ones. What is older than some minutes says nothing of now. */
export type FirstPieces = {
  readonly add: (ms: number, nowMs: number) => void;
  /** Null where there are none. */
  readonly median: (nowMs: number) => number | null;
};

const KEPT = 64;
const FRESH_MS = 5 * 60_000;

export function createFirstPieces(): FirstPieces {
  const times: { readonly ms: number; readonly atMs: number }[] = [];
  let next = 0;
  return {
    add(ms, nowMs) {
      times[next] = { ms, atMs: nowMs };
      next = (next + 1) % KEPT;
    },
    median(nowMs) {
      const fresh = times.flatMap(({ ms, atMs }) => (nowMs - atMs < FRESH_MS ? [ms] : [])).toSorted((one, other) => one - other);
      return fresh[Math.floor(fresh.length / 2)] ?? null;
    },
  };
}
