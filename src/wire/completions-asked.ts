import type { ChatBody } from '../contract/chat.ts';
import type { CompletionBody } from '../contract/completions.ts';
import { AppError } from '../contract/errors.ts';

const TOKENS = 16;

/** What a chat cannot do, unless the value says what is so anyway. */
const UNDOABLE = new Map<string, (value: unknown) => boolean>([
  ['suffix', (value) => value !== ''],
  ['echo', (value) => value !== false],
  ['best_of', (value) => value !== 1],
  ['logprobs', () => true],
  ['n', (value) => value !== 1],
]);

/** The chat that answers a completion. Throws where none can. */
export function completionAsChat({ prompt, max_tokens: maxTokens, ...rest }: CompletionBody): ChatBody {
  const body: ChatBody = { messages: [{ role: 'user', content: typeof prompt === 'string' ? prompt : (prompt[0] ?? '') }], max_tokens: maxTokens ?? TOKENS };
  for (const [field, value] of Object.entries(rest)) {
    if (value === undefined || value === null) continue;
    const isUndoable = UNDOABLE.get(field);
    if (isUndoable === undefined) body[field] = value;
    else if (isUndoable(value)) throw new AppError('INVALID_VALUE', { message: `${field} cannot be had: completions are answered by chat here`, field });
  }
  return body;
}

/** Whether a body says more than what every provider can be told in its own words. */
export function saysMore(body: ChatBody): boolean {
  return Object.keys(body).some((field) => !TOLD.has(field));
}

const TOLD: ReadonlySet<string> = new Set(['model', 'messages', 'max_tokens', 'temperature', 'top_p', 'stop', 'seed', 'stream', 'stream_options']);
