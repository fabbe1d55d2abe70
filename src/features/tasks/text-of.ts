import type { Answer } from '../../core/events.ts';

/** What a model said: a refusal in words is an answer too. */
export function textOf(answer: Answer): string {
  return answer.text === '' ? answer.refusal : answer.text;
}
