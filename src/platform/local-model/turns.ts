/**
 * Whose step is computed next. Steps that are computed together may come out differently in their last bits than each by itself, and with them now and
 * then a word: a question that is to be answered alike every time has its steps to itself, and all others share theirs.
 */
export type Turns = <Result>(step: Step, run: () => Promise<Result>) => Promise<Result>;
export type Step = {
  readonly alone: boolean;
  /** Of the question, after this step. The shorter goes first, and an answer, which has nothing left to read, before all of them. */
  readonly leftToRead: number;
};

/** One that was passed by so often goes first, so that a long question is read in the end. */
const PASSED_MAX = 4;

type Waiting = { readonly step: Step; readonly start: () => void; passed: number };

export function createTurns(): Turns {
  let waiting: Waiting[] = [];
  let running = 0;
  let isAlone = false;

  let isDue = false;

  /** After all that has come by then: whoever has just ended a step asks for its next one in a moment, and may be the one whose turn it is. */
  const soon = (): void => {
    if (isDue) return;
    isDue = true;
    setImmediate(next);
  };
  const next = (): void => {
    isDue = false;
    if (running > 0) return;
    const first = best(waiting);
    if (first === undefined) return;
    const chosen = first.step.alone ? [first] : waiting.filter(({ step }) => !step.alone);
    waiting = waiting.filter((each) => !chosen.includes(each));
    for (const each of waiting) each.passed++;
    isAlone = first.step.alone;
    running = chosen.length;
    for (const { start } of chosen) start();
  };

  return async (step, run) => {
    const joins = running > 0 && !isAlone && !step.alone && waiting.length === 0;
    if (joins) running++;
    else {
      await new Promise<void>((start) => {
        waiting.push({ step, start, passed: 0 });
        soon();
      });
    }
    try {
      return await run();
    } finally {
      running--;
      soon();
    }
  };
}

function best(waiting: readonly Waiting[]): Waiting | undefined {
  const late = waiting.find(({ passed }) => passed >= PASSED_MAX);
  // Of two alike the one that came first.
  return late ?? waiting.toSorted((one, other) => one.step.leftToRead - other.step.leftToRead)[0];
}
