import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { goingOnRequest, inOurWords, mayGoOn, repeatFilter } from './continuation.ts';

function filtered(said: string, pieces: readonly string[]): string {
  const filter = repeatFilter(said);
  return pieces.map((piece) => filter.push(piece)).join('') + filter.rest();
}

const SAID = 'A sluice gate lets water through when it is raised, and ';

describe('what repeats the end of what was said', () => {
  test.each([
    ['goes on', ['holds it ', 'back.'], 'holds it back.'],
    ['begins from the start again', [`${SAID}holds it back.`], 'holds it back.'],
    ['begins with the last words again', ['when it is ', 'raised, and hol', 'ds it back.'], 'holds it back.'],
    ['begins with words that are there too, and goes another way', ['A sluice gate holds', ' it back.'], 'A sluice gate holds it back.'],
    ['begins with so few of them that it may be chance', ['and ', 'back'], 'and back'],
    ['ends within them', ['when it is'], 'when it is'],
  ])('%s', (_, pieces, expected) => {
    expect(filtered(SAID, pieces)).toBe(expected);
    expect(filtered(SAID, [...pieces.join('')])).toBe(expected);
  });

  test('is found in short answers, where it is all of them', () => {
    expect(filtered('one ', ['one two'])).toBe('two');
    expect(filtered('ha ', ['ha ha'])).toBe('ha ha');
    expect(filtered('', ['one'])).toBe('one');
  });

  test('is taken out however the pieces fall, and nothing else ever', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.string({ maxLength: 60 }), fc.array(fc.nat(120)), (said, more, cuts) => {
        const places = [0, ...cuts.map((cut) => Math.min(cut, more.length)).toSorted((one, other) => one - other), more.length];
        const pieces = places.slice(1).map((place, index) => more.slice(places[index], place));
        const out = filtered(said, pieces);
        expect(out).toBe(filtered(said, [more]));
        expect(more.endsWith(out)).toBe(true);
        expect(said.endsWith(more.slice(0, more.length - out.length))).toBe(true);
      }),
    );
  });
});

describe('an answer that broke off', () => {
  const request = { messages: [{ role: 'user', content: 'Tell me' }], stream: true } as const;
  const given = { dialect: 'openai-chat', body: { model: 'm' }, untold: [] } as const;

  test('is gone on with where it is one plain text that is streamed', () => {
    expect(mayGoOn(request)).toBe(true);
    expect(mayGoOn({ ...request, given })).toBe(true);
    expect(inOurWords({ ...request, given })).toEqual(request);
    const others = [{ stream: false }, { tools: [{ name: 't', parameters: {} }] }, { output: { name: 'o', schema: {} } }, { answers: 2 }];
    for (const more of [...others, { given: { ...given, untold: ['logprobs'] } }]) expect(mayGoOn({ ...request, ...more })).toBe(false);
  });

  test('is told to who goes on with it, who may say what was left to say', () => {
    expect(goingOnRequest(request, 'Once')?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(goingOnRequest({ ...request, maxTokens: 100 }, 'Once', 40)?.maxTokens).toBe(60);
    expect(goingOnRequest({ ...request, maxTokens: 100 }, 'Once')?.maxTokens).toBeGreaterThan(90);
    expect(goingOnRequest({ ...request, maxTokens: 40 }, 'Once', 40)).toBeNull();
  });
});
