import type { App } from '../../app.ts';
import type { RunningCall } from '../../app/gateway.ts';
import { AppError } from '../../contract/errors.ts';
import type { StreamQuery } from '../../contract/generation.ts';
import type { SummarizeBody } from '../../contract/tasks.ts';
import { summarize as template } from '../../core/builtin-templates.ts';
import type { ModelEvent } from '../../core/events.ts';
import { splitText } from '../../core/split-text.ts';
import { estimateTokens } from '../../core/tokens.ts';
import { answerStream, answerWhole, readAnswer, wantsStream } from '../../http/answer.ts';
import { combinedCall, noteCombined } from '../../http/combined-call.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { mapAtOnce } from './at-once.ts';
import { promptTokens, taskCall, taskFacts } from './task-call.ts';
import { textOf } from './text-of.ts';
import { readingRoom, tokensForWords } from './window.ts';

const WORDS = 200;

export async function summarize(app: App, exchange: Exchange<undefined, StreamQuery, SummarizeBody>): Promise<Reply> {
  const { text, max_words, style, language } = exchange.body;
  const facts = taskFacts(app);
  const parameters = { max_words, style, language };
  const maxTokens = tokensForWords(max_words ?? WORDS, facts);
  const room = readingRoom(facts, promptTokens(template, parameters), maxTokens);
  const { input, calls } = await condense(app, exchange, text, room);
  const last = await app.gateway.run(taskCall(app, exchange, template, { input, parameters, maxTokens, stream: wantsStream(exchange) }));
  const running = withEarlier(exchange, last, calls);
  if (wantsStream(exchange)) return answerStream(app, exchange, running);
  const { answer, meta, headers } = await answerWhole(exchange, running);
  return { headers, json: { summary: textOf(answer), ...meta } };
}

export type Condensed = { readonly input: string; readonly calls: readonly RunningCall[] };

const AT_ONCE = 4;
// Notes are allowed half the length of their part: a model that hardly shortens anything will not get there, and each pass costs.
const SHORTENED_SHARE = 0.9;
const NOTES_WORDS_MAX = 600;

/** A text that fits into `room` tokens: as it is, or as notes on its parts, and on the notes where these are still too long. */
export async function condense(app: App, exchange: Exchange, text: string, room: number): Promise<Condensed> {
  const calls: RunningCall[] = [];
  let input = text;
  for (let tokens = estimateTokens(input); tokens > room;) {
    input = await takeNotes(app, exchange, input, calls);
    const left = estimateTokens(input);
    if (left > room && left > tokens * SHORTENED_SHARE) {
      throw new AppError('INTERNAL_ERROR', { message: 'The model did not shorten the text enough to read it as a whole' });
    }
    tokens = left;
  }
  return { input, calls };
}

async function takeNotes(app: App, exchange: Exchange, text: string, calls: RunningCall[]): Promise<string> {
  const facts = taskFacts(app);
  const most = tokensForWords(NOTES_WORDS_MAX, facts);
  const room = readingRoom(facts, promptTokens(template, {}), most);
  const parts = splitText(text, room, estimateTokens).filter((part) => part.trim() !== '');
  const notes = await mapAtOnce(parts, AT_ONCE, async (part) => {
    const tokens = estimateTokens(part);
    const parameters = { style: 'bullets', max_words: Math.max(10, Math.min(NOTES_WORDS_MAX, Math.floor(tokens / 6))) };
    const running = await app.gateway.run(
      taskCall(app, exchange, template, { input: part, parameters, maxTokens: Math.min(most, Math.max(16, Math.floor(tokens / 2))), stream: false }),
    );
    calls.push(running);
    return textOf(await readAnswer(running)).trim();
  });
  return notes.join('\n\n');
}

/** The last call answers; what the earlier ones used and cost is counted with it. */
export function withEarlier(exchange: Exchange, last: RunningCall, earlier: readonly RunningCall[]): RunningCall {
  if (earlier.length === 0) return last;
  const calls = [last, ...earlier] as const;
  async function* events(): AsyncGenerator<readonly ModelEvent[]> {
    yield* last.events;
    noteCombined(exchange.logFields, combined, calls.length);
  }
  const combined = combinedCall(calls, events());
  return combined;
}
