import type { Candidate } from './routing.ts';

/** In which order one call tries the keys of a provider that has several, and why each stands where it does. */
export type KeyReason =
  /** The session was answered by it before. */
  | 'session'
  /** Drawn by weight, and less often the more calls it has under way. */
  | 'drawn'
  /** For when those before it are set aside or full. */
  | 'next';
export type PlacedKey = { readonly candidate: Candidate; readonly keyReason: KeyReason };

export type Drawn = {
  /** A place, by this key. */
  readonly candidate: Candidate;
  /** From 0 to 1: of a chance, or of a session and the key, so that a key more or less moves the sessions of that key alone. */
  readonly draw: number;
  /** Calls that are under way; 0 where a session decides. */
  readonly inFlight: number;
};

export function orderKeys(keys: readonly Drawn[], before: string | null): readonly PlacedKey[] {
  const ranked = keys.map((drawn) => ({ candidate: drawn.candidate, rank: rankOf(drawn) })).toSorted((one, other) => one.rank - other.rank);
  const stayed = before === null ? undefined : ranked.find(({ candidate }) => candidate.key?.id === before);
  const order = stayed === undefined ? ranked : [stayed, ...ranked.filter((each) => each !== stayed)];
  return order.map(({ candidate }, index) => ({ candidate, keyReason: index > 0 ? 'next' : stayed === undefined ? 'drawn' : 'session' }));
}

/** The least of exponential draws is each one with the chance of its rate, which is the weight; a key with as many calls as its weight counts half. */
function rankOf({ candidate: { key }, draw, inFlight }: Drawn): number {
  const weight = key?.weight ?? 1;
  return (-Math.log(1 - draw) / weight) * (1 + inFlight / weight);
}
