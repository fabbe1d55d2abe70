import type { Message, ModelRequest } from './model-request.ts';
import { estimateTokens } from './tokens.ts';

/** How another model goes on with an answer that broke off: what it is asked, and how nothing of what was said is said twice. */

type Asked = Omit<ModelRequest, 'model'>;

/** Whether an answer could be gone on with: a stream of one plain text, and nothing of the request that has no words for all providers. */
export function mayGoOn({ stream, tools = [], output, answers = 1, given }: Asked): boolean {
  return stream && tools.length === 0 && output === undefined && answers === 1 && (given === undefined || given.untold.length === 0);
}

/** Without the caller's own words: an answer of two parts is said in ours, since each provider's would begin anew. */
export function inOurWords(asked: Asked): Asked {
  const { given, ...request } = asked;
  return given === undefined ? asked : request;
}

// A prefix that the model goes on with by itself is refused by some providers, and taken for an answer of before by most: so it is told.
const GO_ON =
  'The connection broke in the middle of your answer above. Go on with it from the very next character: repeat nothing of it, say nothing about this, and end where the whole answer would have ended.';

/** What is asked of who goes on after `said`, which took so many tokens as far as its provider told; null where nothing more was to be said. */
export function goingOnRequest(request: Asked, said: string, outputTokens = 0): Asked | null {
  const { maxTokens, messages } = request;
  const told: readonly Message[] = [...messages, { role: 'assistant', content: said }, { role: 'user', content: GO_ON }];
  if (maxTokens === undefined) return { ...request, messages: told };
  const left = maxTokens - Math.max(outputTokens, estimateTokens(said));
  return left < 1 ? null : { ...request, messages: told, maxTokens: left };
}

/** Takes out of the beginning of a text what repeats the end of the one before it. */
export type RepeatFilter = {
  /** What can be said by now. */
  readonly push: (text: string) => string;
  /** At the end: what was kept back. */
  readonly rest: () => string;
};

/** Two texts may well meet in so few characters by chance; who begins from the start again shows it sooner. */
const REPEAT_MIN = 20;
const WHOLE_MIN = 4;

export function repeatFilter(said: string): RepeatFilter {
  /** Where in what was said the new text may have begun. */
  let starts = startsIn(said);
  let kept = '';
  return {
    push(text) {
      if (starts.length === 0) return text;
      kept += text;
      const repeated = starts.find((start) => kept.startsWith(said.slice(start)));
      if (repeated === undefined) starts = starts.filter((start) => said.startsWith(kept, start));
      if (repeated === undefined && starts.length > 0) return '';
      const out = repeated === undefined ? kept : kept.slice(said.length - repeated);
      [starts, kept] = [[], ''];
      return out;
    },
    rest() {
      const out = kept;
      [starts, kept] = [[], ''];
      return out;
    },
  };
}

/** No model repeats more than this from the middle; from the beginning it may. */
const LOOKED_BACK = 2000;

function startsIn(said: string): number[] {
  const [from, to] = [Math.max(0, said.length - LOOKED_BACK), said.length - REPEAT_MIN];
  const starts = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  return said.length >= WHOLE_MIN && starts[0] !== 0 ? [0, ...starts] : starts;
}
