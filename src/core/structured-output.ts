import type { JsonSchema } from './json-schema.ts';
import type { Message } from './model-request.ts';

/** How a model is asked for JSON of a given form, how its answer is read, and how it is told what was wrong with it. */
export function withSchemaInWords(messages: readonly Message[], schema: JsonSchema): Message[] {
  const words = `Answer with one JSON object and nothing else: no code fence, no words around it. It has to fit this JSON Schema:\n${JSON.stringify(schema)}`;
  const [first, ...rest] = messages;
  if (first?.role === 'system' && typeof first.content === 'string') return [{ role: 'system', content: `${first.content}\n\n${words}` }, ...rest];
  return [{ role: 'system', content: words }, ...messages];
}

/** The JSON in an answer, also where a model put it into a code fence or between words; undefined where there is none. */
export function readJson(text: string): unknown {
  const from = text.indexOf('{');
  const to = text.lastIndexOf('}');
  return parsed(text) ?? (from >= 0 && to > from ? parsed(text.slice(from, to + 1)) : undefined);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const ANSWER_CHARS_MAX = 20_000;

/** The same question again, with the answer that did not fit and why. */
export function withCorrection(messages: readonly Message[], answer: string, problems: readonly string[]): Message[] {
  const shown = answer.length > ANSWER_CHARS_MAX ? `${answer.slice(0, ANSWER_CHARS_MAX)}…` : answer;
  return [
    ...messages,
    { role: 'assistant', content: shown === '' ? '(empty)' : shown },
    {
      role: 'user',
      content: `Your answer cannot be used:\n${problems.map((problem) => `- ${problem}`).join('\n')}\nAnswer the same question again, with the whole corrected JSON object and nothing else.`,
    },
  ];
}
