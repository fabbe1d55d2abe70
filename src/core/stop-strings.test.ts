import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { watchStops } from './stop-strings.ts';

function said(stops: readonly string[], pieces: readonly string[]): string {
  const watch = watchStops(stops);
  let text = '';
  for (const piece of pieces) {
    const next = watch.push(piece);
    text += next.text;
    if (next.stopped) return text;
  }
  return text + watch.rest();
}

function cut(text: string, ends: readonly number[]): string[] {
  const at = [...new Set([0, ...ends.map((end) => end % (text.length + 1)), text.length])].toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => text.slice(at[index], end));
}

test('a stop string ends the text before it, wherever the pieces are cut', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', 'c') }),
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c') })),
      fc.array(fc.nat()),
      (text, stops, ends) => {
        const first = Math.min(text.length, ...stops.filter((stop) => stop !== '').map((stop) => (text.includes(stop) ? text.indexOf(stop) : Infinity)));
        // Of two that begin at different places, the one that is whole first ends the text.
        const expected = said(stops, [...text]);
        expect(text.startsWith(expected)).toBe(true);
        expect(expected.length).toBeGreaterThanOrEqual(first);
        for (const stop of stops) if (stop !== '') expect(said([stop], cut(text, ends))).toBe(said([stop], [text]));
      },
    ),
  );
});

test('what may become a stop string waits, and is said when it does not', () => {
  const watch = watchStops(['\n\n', 'END']);
  expect(watch.push('one\n')).toEqual({ text: 'one', stopped: false });
  expect(watch.push('two E')).toEqual({ text: '\ntwo ', stopped: false });
  expect(watch.push('N')).toEqual({ text: '', stopped: false });
  expect(watch.rest()).toBe('EN');
  expect(watch.push('D and more')).toEqual({ text: '', stopped: true });
  expect(watch.rest()).toBe('');
});

test('without stop strings nothing waits', () => expect(watchStops(['']).push('text')).toEqual({ text: 'text', stopped: false }));
