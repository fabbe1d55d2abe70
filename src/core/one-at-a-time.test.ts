import { expect, test } from 'bun:test';
import { oneAtATime } from './one-at-a-time.ts';

function counting(): { readonly ask: () => Promise<number>; readonly end: () => void; readonly begun: () => number } {
  let begun = 0;
  let ends: (() => void)[] = [];
  const ask = oneAtATime(async () => {
    const number = ++begun;
    await new Promise<void>((resolve) => ends.push(resolve));
    if (number === 3) throw new Error('the third');
    return number;
  });
  const end = (): void => {
    const all = ends;
    ends = [];
    for (const each of all) each();
  };
  return { ask, end, begun: () => begun };
}

test('who asks meanwhile gets the time after, once for all', async () => {
  const { ask, end, begun } = counting();
  const first = ask();
  const others = [ask(), ask(), ask()];
  expect(begun()).toBe(1);
  end();
  expect(await first).toBe(1);
  await Bun.sleep(0);
  end();
  expect(await Promise.all(others)).toEqual([2, 2, 2]);
});

test('one that fails keeps nobody from the next', async () => {
  const { ask, end } = counting();
  for (const number of [1, 2]) {
    const asked = ask();
    end();
    expect(await asked).toBe(number);
  }
  const failing = ask();
  const next = ask();
  end();
  expect(failing).rejects.toThrow('the third');
  await failing.catch(() => undefined);
  await Bun.sleep(0);
  end();
  expect(await next).toBe(4);
});
