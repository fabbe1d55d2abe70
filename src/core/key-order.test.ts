import { describe, expect, test } from 'bun:test';
import { type Drawn, orderKeys } from './key-order.ts';
import type { Candidate } from './routing.ts';

function way(id: string, weight: number): Candidate {
  return {
    provider: { id: 'p', origin: null, open: true, models: [] },
    model: 'm',
    facts: { id: 'm', contextTokens: 1000, outputTokensMax: 100, capabilities: ['chat'] },
    price: { inputNanoUsd: 1, outputNanoUsd: 1, asOf: null, source: '' },
    priceAssumed: false,
    key: { name: id, id, weight, rpm: null, maxParallel: null },
  };
}

const WAYS = [way('a', 1), way('b', 2), way('c', 7)];

function told(keys: readonly Drawn[], before: string | null = null): string[] {
  return orderKeys(keys, before).map(({ candidate, keyReason }) => `${candidate.key?.id} ${keyReason}`);
}

/** How often each comes first, of draws that lie evenly. */
function firsts(inFlight: Readonly<Record<string, number>> = {}): Record<string, number> {
  const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
  const sides = 22;
  for (let one = 0; one < sides; one++) {
    for (let two = 0; two < sides; two++) {
      for (let three = 0; three < sides; three++) {
        const draws = [one, two, three];
        const keys = WAYS.map((candidate, index) => ({
          candidate,
          draw: ((draws[index] ?? 0) + 0.5 + index / 10) / sides,
          inFlight: inFlight[candidate.key?.id ?? ''] ?? 0,
        }));
        const first = orderKeys(keys, null)[0]?.candidate.key?.id ?? '';
        counts[first] = (counts[first] ?? 0) + 1 / sides ** 3;
      }
    }
  }
  return counts;
}

describe('the keys of a provider', () => {
  test('are drawn by weight, and the others follow', () => {
    const counts = firsts();
    for (const [id, share] of Object.entries({ a: 0.1, b: 0.2, c: 0.7 })) expect(Math.abs((counts[id] ?? 0) - share)).toBeLessThan(0.03);
    expect(told(WAYS.map((candidate) => ({ candidate, draw: 0.5, inFlight: 0 })))).toEqual(['c drawn', 'b next', 'a next']);
  });

  test('are drawn the less the more calls they have under way, for their weight', () => {
    expect(firsts({ c: 70 })['c']).toBeLessThan(0.25);
    const evenly = firsts({ a: 10, b: 20, c: 70 });
    expect(Math.abs((evenly['c'] ?? 0) - 0.7)).toBeLessThan(0.03);
  });

  test('begin with the one that answered the session, where it is still there', () => {
    const keys = WAYS.map((candidate) => ({ candidate, draw: 0.5, inFlight: 0 }));
    expect(told(keys, 'a')).toEqual(['a session', 'c next', 'b next']);
    expect(told(keys, 'gone')[0]).toBe('c drawn');
  });
});
