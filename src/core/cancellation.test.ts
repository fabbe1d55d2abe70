import { describe, expect, test } from 'bun:test';
import { Canceller } from './cancellation.ts';

describe('a cancellation', () => {
  test('tells each listener once, with the first reason', () => {
    const signal = new Canceller();
    const heard: unknown[] = [];
    signal.addEventListener('abort', () => heard.push(['one', signal.reason]));
    signal.addEventListener('abort', () => heard.push(['two', signal.reason]));
    signal.abort('first');
    signal.abort('second');
    expect(heard).toEqual([
      ['one', 'first'],
      ['two', 'first'],
    ]);
    expect(signal.aborted).toBe(true);
  });

  test('does not tell who no longer listens, nor who came too late', () => {
    const signal = new Canceller();
    let heard = 0;
    const listen = (): void => void heard++;
    signal.addEventListener('abort', listen);
    signal.removeEventListener('abort', listen);
    signal.abort('gone');
    signal.addEventListener('abort', listen);
    signal.abort('again');
    expect(heard).toBe(0);
  });

  test('lets a listener stop listening while it is told', () => {
    const signal = new Canceller();
    const heard: string[] = [];
    const first = (): void => {
      heard.push('first');
      signal.removeEventListener('abort', first);
    };
    signal.addEventListener('abort', first);
    signal.addEventListener('abort', () => heard.push('second'));
    signal.abort('gone');
    expect(heard).toEqual(['first', 'second']);
  });
});
