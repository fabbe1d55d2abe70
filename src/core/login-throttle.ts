/**
 * How guessing passwords is slowed without locking their owners out.
 *
 * - An account from one address: 5 failures in any minute. An attacker elsewhere does not use up the owner's five.
 * - An address over all accounts: 30, against trying one password on many names.
 * - An account over all addresses: 30, against guessing from many machines. It does not hold for an address from which the account has
 *   signed in before, so that whoever runs such an attack locks out strangers and not the owner.
 *
 * An attempt counts as a failure from its start, so that attempts at once cannot all slip through before the first has failed. Names that do not
 * exist count like those that do. Each process counts for itself.
 */
export const FAILURES_MAX = { pair: 5, address: 30, account: 30 } as const;
export const WINDOW_MS = 60_000;
/**
 * More than can fail in a minute: hashing, two at once, lets some 6,000 attempts a minute through, so that nobody can flood a count out of memory.
 */
const KEYS_MAX = 20_000;
const KNOWN_MAX = 20_000;
const KNOWN_FOR_MS = 30 * 86_400_000;

export type Attempt = { readonly username: string; readonly address: string };
export type Refusal = { readonly allowed: false; readonly limit: number; readonly retryAfterMs: number };
export type Look = { readonly allowed: true } | Refusal;
/** `succeeded` takes the failure that the attempt was counted as back. */
export type Begun = { readonly allowed: true; readonly succeeded: (nowMs: number) => void } | Refusal;

export type LoginThrottle = {
  /** Whether an attempt would be let through now; counts nothing. */
  readonly look: (attempt: Attempt, nowMs: number) => Look;
  readonly begin: (attempt: Attempt, nowMs: number) => Begun;
};

export function createLoginThrottle(): LoginThrottle {
  const pairs = failureTimes();
  const addresses = failureTimes();
  const accounts = failureTimes();
  const known = new Map<string, number>();

  const look = (attempt: Attempt, nowMs: number): Look => {
    const { account, address, pair } = keysOf(attempt);
    const waits: [number, number][] = [
      [FAILURES_MAX.pair, waitMs(pairs.of(pair), FAILURES_MAX.pair, nowMs)],
      [FAILURES_MAX.address, waitMs(addresses.of(address), FAILURES_MAX.address, nowMs)],
    ];
    if (!isKnown(known.get(pair), nowMs)) waits.push([FAILURES_MAX.account, waitMs(accounts.of(account), FAILURES_MAX.account, nowMs)]);
    const [limit, retryAfterMs] = waits.reduce((longest, wait) => (wait[1] > longest[1] ? wait : longest));
    return retryAfterMs > 0 ? { allowed: false, limit, retryAfterMs } : { allowed: true };
  };

  return {
    look,
    begin(attempt, nowMs) {
      const verdict = look(attempt, nowMs);
      if (!verdict.allowed) return verdict;
      const { account, address, pair } = keysOf(attempt);
      pairs.add(pair, nowMs);
      addresses.add(address, nowMs);
      accounts.add(account, nowMs);
      return {
        allowed: true,
        succeeded(atMs) {
          pairs.forget(pair);
          addresses.takeBack(address, nowMs);
          accounts.takeBack(account, nowMs);
          known.delete(pair);
          known.set(pair, atMs);
          forgetOldest(known, KNOWN_MAX);
        },
      };
    },
  };
}

/** How long until fewer than `limit` of these failures are in the window; 0 when it is so now. Times are in order. */
export function waitMs(times: readonly number[], limit: number, nowMs: number): number {
  const inTheWay = times.at(-limit);
  return inTheWay === undefined ? 0 : Math.max(0, inTheWay + WINDOW_MS - nowMs);
}

function isKnown(lastMs: number | undefined, nowMs: number): boolean {
  return lastMs !== undefined && nowMs - lastMs < KNOWN_FOR_MS;
}

function keysOf(attempt: Attempt): { account: string; address: string; pair: string } {
  const account = attempt.username.normalize('NFKC').toLowerCase();
  const address = networkOf(attempt.address);
  return { account, address, pair: `${address} ${account}` };
}

/** Whoever has one IPv6 address has its whole /64 to choose from, so that this is what counts. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('%', 1).join('').split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0');
  const groups = [...front, ...middle, ...back].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}

type FailureTimes = {
  readonly of: (key: string) => readonly number[];
  readonly add: (key: string, nowMs: number) => void;
  readonly takeBack: (key: string, atMs: number) => void;
  readonly forget: (key: string) => void;
};

/** The times of the latest failures by key; a key that is added to moves to the end, so that the first is always the oldest. */
function failureTimes(): FailureTimes {
  const times = new Map<string, readonly number[]>();
  return {
    of: (key) => times.get(key) ?? [],
    add(key, nowMs) {
      const recent = (times.get(key) ?? []).filter((time) => nowMs - time < WINDOW_MS);
      times.delete(key);
      times.set(key, [...recent, nowMs]);
      forgetOldest(times, KEYS_MAX);
      for (const [oldest, at] of times) {
        if (nowMs - (at.at(-1) ?? 0) < WINDOW_MS) break;
        times.delete(oldest);
      }
    },
    takeBack(key, atMs) {
      const found = times.get(key);
      const index = found?.indexOf(atMs) ?? -1;
      if (found && index >= 0) times.set(key, found.toSpliced(index, 1));
    },
    forget: (key) => times.delete(key),
  };
}

function forgetOldest(map: Map<string, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return;
    map.delete(key);
  }
}
