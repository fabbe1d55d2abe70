/** How many ended in a second, lately: in the last whole one, or in this one if that were already more. */
export type Throughput = { readonly count: (nowMs: number) => void; readonly perSecond: (nowMs: number) => number };

const SECOND_MS = 1000;

export function createThroughput(): Throughput {
  let [second, current, before] = [0, 0, 0];
  const turn = (nowMs: number): void => {
    const now = Math.floor(nowMs / SECOND_MS);
    if (now === second) return;
    before = now === second + 1 ? current : 0;
    [second, current] = [now, 0];
  };
  return {
    count(nowMs) {
      turn(nowMs);
      current++;
    },
    perSecond(nowMs) {
      turn(nowMs);
      return Math.max(before, current);
    },
  };
}
