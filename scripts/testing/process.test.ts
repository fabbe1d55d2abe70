import { describe, expect, test } from 'bun:test';
import { run } from './process.ts';

describe('a program of a test run', () => {
  test('answers its exit code and what it said', async () => {
    expect(await run({ command: ['sh', '-c', 'echo said by a test; exit 3'], limitMs: 10_000 })).toEqual({ exitCode: 3, output: 'said by a test\n' });
  });

  // The output stays open for as long as any of them lives, and run() reads it to its end: to come back at all is to have ended them all.
  test('is ended with everything it started when its time is over', async () => {
    const ended = await run({ command: ['sh', '-c', 'sleep 60 & echo started; wait'], limitMs: 200 });
    expect(ended).toEqual({ exitCode: null, output: 'started\n' });
  });

  test('takes what it left behind with it', async () => {
    const ended = await run({ command: ['sh', '-c', 'sleep 60 & echo left'], limitMs: 30_000 });
    expect(ended).toEqual({ exitCode: 0, output: 'left\n' });
  });
});
