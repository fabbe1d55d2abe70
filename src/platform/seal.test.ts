import { describe, expect, test } from 'bun:test';
import { createSeal } from './seal.ts';

const seal = createSeal('a secret of thirty-two bytes or more');
const answer = new TextEncoder().encode('{"key":"sk-sluice-once"}');

describe('a sealed answer', () => {
  test('can be opened by every process that has the secret', () => {
    const opened = createSeal('a secret of thirty-two bytes or more').open(seal.close(answer, 'place'), 'place');
    expect(opened && new TextDecoder().decode(opened)).toBe('{"key":"sk-sluice-once"}');
  });
  test('shows nothing of itself, and is another one each time', () => {
    const [one, two] = [seal.close(answer, 'place'), seal.close(answer, 'place')];
    expect(one.toString('latin1')).not.toContain('sk-sluice');
    expect(one.equals(two)).toBe(false);
  });
  test('cannot be opened with another secret, in another place, or after a change', () => {
    const sealed = seal.close(answer, 'place');
    expect(createSeal('another secret of thirty-two bytes').open(sealed, 'place')).toBeNull();
    expect(seal.open(sealed, 'elsewhere')).toBeNull();
    for (const at of [0, 12, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(seal.open(changed, 'place')).toBeNull();
    }
    expect(seal.open(sealed.subarray(0, 20), 'place')).toBeNull();
  });
  test('may be empty', () => expect(seal.open(seal.close(new Uint8Array(), 'place'), 'place')).toHaveLength(0));
});

test('a fingerprint is equal for equal texts, and cannot be made without the secret', () => {
  expect(seal.fingerprint('asked')).toBe(seal.fingerprint('asked'));
  expect(seal.fingerprint('asked')).not.toBe(seal.fingerprint('asked '));
  expect(createSeal('another secret of thirty-two bytes').fingerprint('asked')).not.toBe(seal.fingerprint('asked'));
});
