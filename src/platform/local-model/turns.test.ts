import { describe, expect, test } from 'bun:test';
import { createTurns, type Step } from './turns.ts';

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function settle(): Promise<void> {
  await turnOfTheLoop();
  await turnOfTheLoop();
}

/** Steps that end when the test says so, and what began in which order. */
function stage() {
  const turns = createTurns();
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (name: string, step: Step): void => {
    void turns(step, () => {
      began.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
  };
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await turnOfTheLoop();
    await settle();
  };
  /** One step after the other, as a question goes. */
  const askAll = async (steps: Readonly<Record<string, Step>>): Promise<void> => {
    for (const [name, step] of Object.entries(steps)) {
      await turns(step, () => {
        began.push(name);
        return new Promise<void>((resolve) => ends.set(name, resolve));
      });
    }
  };
  return { began, ask, askAll, end };
}

const ALONE = { alone: true, leftToRead: 0 };
const SHARED = { alone: false, leftToRead: 0 };

describe('the steps of several questions', () => {
  test('that are to be alone come one after the other, in their order', async () => {
    const { began, ask, end } = stage();
    for (const name of ['a', 'b', 'c']) ask(name, ALONE);
    await settle();
    expect(began).toEqual(['a']);
    await end('a');
    ask('a2', ALONE);
    await end('b');
    await end('c');
    expect(began).toEqual(['a', 'b', 'c', 'a2']);
  });

  test('that may be shared come together, and let one that is to be alone have its turn', async () => {
    const { began, ask, end } = stage();
    ask('a', SHARED);
    ask('b', SHARED);
    await settle();
    ask('alone', ALONE);
    ask('late', SHARED);
    await settle();
    expect(began.toSorted()).toEqual(['a', 'b']);
    await end('a');
    expect(began.length).toBe(2);
    await end('b');
    expect(began.at(-1)).toBe('alone');
    await end('alone');
    expect(began.at(-1)).toBe('late');
  });

  test('of an answer come before those of a question, and of a short one before a long one, which is read in the end', async () => {
    const { began, ask, end } = stage();
    ask('running', ALONE);
    await settle();
    ask('long', { alone: true, leftToRead: 900 });
    ask('short', { alone: true, leftToRead: 10 });
    ask('answer 1', ALONE);
    await settle();
    await end('running');
    expect(began.at(-1)).toBe('answer 1');
    await end('answer 1');
    expect(began.at(-1)).toBe('short');
    let last = 'short';
    for (let time = 2; !began.includes('long') && time < 9; time++) {
      ask(`answer ${time}`, ALONE);
      await end(last);
      last = began.at(-1) ?? '';
    }
    expect(began).toEqual(['running', 'answer 1', 'short', 'answer 2', 'answer 3', 'long']);
  });

  test('of a short question all come before the next one of a long one', async () => {
    const { began, askAll, end } = stage();
    void askAll({ 'long 1': { alone: true, leftToRead: 900 }, 'long 2': { alone: true, leftToRead: 800 } });
    await settle();
    void askAll({ 'short 1': { alone: true, leftToRead: 10 }, 'short 2': { alone: true, leftToRead: 0 }, answer: ALONE });
    for (const name of ['long 1', 'short 1', 'short 2', 'answer']) await end(name);
    expect(began).toEqual(['long 1', 'short 1', 'short 2', 'answer', 'long 2']);
  });

  test('that fail let the next one begin', async () => {
    const turns = createTurns();
    const failed = turns(ALONE, () => Promise.reject(new Error('no'))).catch((cause: unknown) => cause);
    expect(await turns(ALONE, () => Promise.resolve('yes'))).toBe('yes');
    expect(await failed).toEqual(new Error('no'));
  });
});
