import { type Limit, type Standing, type Verdict, weightOf } from '../../core/limits.ts';

/** What goes to Redis at once. limits.lua says what is done with it. */
export type Parcel = {
  readonly takings: readonly Taking[];
  readonly settlements: readonly Settlement[];
  /** Calls at once that run here, by key. */
  readonly held: ReadonlyMap<string, number>;
};
/** A call that asks for admission, and is told null when Redis did not answer. */
export type Taking = { readonly limits: readonly Limit[]; readonly tokens: number; readonly tell: (verdict: CommonVerdict | null) => void };
export type Settlement = { readonly limit: Limit; readonly atMs: number; readonly change: number };

/** Of all processes together, with the moment of Redis at which it was given. */
export type CommonVerdict = Verdict & { readonly atMs: number };

/** One tag for all, so that a cluster has them in one place, where a script can reach them. */
const PREFIX = '{sluice-limits}:';

/** As EVALSHA takes them: how many keys, the keys, and all else. */
export function parcelWords(processId: string, { takings, settlements, held }: Parcel): string[] {
  const keys: string[] = [];
  const words = [processId];
  for (const [key, count] of held) {
    keys.push(PREFIX + key);
    words.push('hold', String(count));
  }
  for (const { limit, atMs, change } of settlements) {
    keys.push(PREFIX + limit.key);
    words.push('settle', String(limit.windowMs), String(atMs), String(change));
  }
  for (const { limits, tokens } of takings) {
    words.push('ask', String(limits.length));
    for (const limit of limits) {
      keys.push(PREFIX + limit.key);
      words.push(String(limit.windowMs), String(limit.max), String(weightOf(limit, tokens, limit.max)));
    }
  }
  return [String(keys.length), ...keys, ...words];
}

export function readVerdicts({ takings }: Parcel, answer: unknown): readonly CommonVerdict[] {
  if (!Array.isArray(answer)) throw new Error('Redis answered something else than the script does');
  const [at, ...numbers] = answer as readonly unknown[];
  const atMs = Number(at);
  let next = 0;
  const read = (): number => Number(numbers[next++]);
  return takings.map(({ limits }) => {
    const refused = read();
    const retryAfterMs = read();
    const standings = limits.map((): Standing => ({ remaining: read(), resetMs: read() }));
    return { refusedBy: limits[refused - 1] ?? null, retryAfterMs, standings, atMs };
  });
}
