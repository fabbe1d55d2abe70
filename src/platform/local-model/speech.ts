import type { Llama, LlamaContextSequence, LlamaGrammar, LlamaModel, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import type { LocalAsked } from '../../core/local-model.ts';
import { watchStops } from '../../core/stop-strings.ts';
import { createChat } from './chat-form.ts';
import type { Engine } from './engine.ts';
import { assertCountable, RefusedError, tooLong } from './refused-error.ts';
import { createTurns } from './turns.ts';
import type { Ending, ModelOptions } from './words.ts';

/** One answer while it is made. */
export type Turn = { readonly say: (text: string) => void; readonly isCancelled: () => boolean };

/** A place in the one context that all answers are made in, with what it has read of a question, which the next one may begin with too. */
type Place = { readonly sequence: LlamaContextSequence; prompt: readonly Token[] };

/**
 * How much of a question is read at a time. Between two slices others have their turn and a cancelled question ends; half a second's work of a
 * model of a billion parameters on one core.
 */
const SLICE = 16;
const BATCH = 128;
/** The choice of llama.cpp's own server: what is beyond the fortieth place is noise. */
const TOP_K = 40;

export async function createSpeech(llama: Llama, model: LlamaModel, options: ModelOptions): Promise<Engine['generate']> {
  const { threads, parallel } = options;
  const contextTokens = Math.min(options.contextTokens, model.trainContextSize);
  const context = await model.createContext({ threads, sequences: parallel, contextSize: contextTokens, batchSize: BATCH });
  const chat = await createChat(model);
  const grammarFor = grammars(llama);
  const turns = createTurns();
  const free: Place[] = Array.from({ length: parallel }, () => ({ sequence: context.getSequence(), prompt: [] }));

  return async (asked, turn) => {
    const bounds = { most: contextTokens, param: 'messages' };
    const chars = asked.messages.reduce((sum, { text }) => sum + text.length, 0);
    assertCountable(chars, 'The messages have', bounds);
    const prompt = chat.tokens(asked.messages);
    const room = contextTokens - prompt.length;
    // The answer needs some of it too.
    if (room < 1) throw tooLong('The messages have', { tokens: prompt.length, ...bounds });
    const grammar = asked.grammar === undefined ? null : await grammarFor(asked.grammar);
    const place = takePlace(free, prompt);
    const take: Take = (leftToRead, run) => turns({ alone: asked.temperature === 0, leftToRead }, run);
    try {
      const first = await readPrompt({ place, prompt, turn, take });
      const sampling = await samplingOf(asked, model, grammar);
      const outputMax = Math.min(asked.maxTokens ?? room, room);
      const { finishReason, outputTokens } = await speak({ model, place, take, first, sampling, outputMax, stop: [...asked.stop, ...chat.ends], turn });
      return { finishReason, inputTokens: prompt.length, outputTokens };
    } finally {
      free.push(place);
    }
  };
}

/** The one that has read most of it before. */
function takePlace(free: Place[], prompt: readonly Token[]): Place {
  const [best] = free.map((place) => ({ place, common: common(place.prompt, prompt) })).toSorted((one, other) => other.common - one.common);
  if (best === undefined) throw new Error('more questions at a time than places');
  free.splice(free.indexOf(best.place), 1);
  return best.place;
}

function common(one: readonly Token[], other: readonly Token[]): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}

/** Computes one step of this question when its turn comes. */
type Take = <Result>(leftToRead: number, run: () => Promise<Result>) => Promise<Result>;
type Reading = { readonly place: Place; readonly prompt: readonly Token[]; readonly turn: Turn; readonly take: Take };

/**
 * Reads the question but for its last slice, which begins the answer. What is read again is read in the same slices, and only what was read as a
 * question is kept: so the same question is answered alike, whatever was asked before it.
 */
async function readPrompt({ place, prompt, turn, take }: Reading): Promise<Token[]> {
  const { sequence } = place;
  const kept = Math.floor(Math.min(common(place.prompt, prompt), prompt.length - 1) / SLICE) * SLICE;
  place.prompt = [];
  if (sequence.nextTokenIndex > kept) await sequence.eraseContextTokenRanges([{ start: kept, end: sequence.nextTokenIndex }]);
  let at = kept;
  for (; prompt.length - at > SLICE && !turn.isCancelled(); at += SLICE) {
    const slice = prompt.slice(at, at + SLICE);
    await take(prompt.length - at - SLICE, () => sequence.evaluateWithoutGeneratingNewTokens(slice));
  }
  place.prompt = prompt.slice(0, at);
  return prompt.slice(at);
}

async function samplingOf(asked: LocalAsked, model: LlamaModel, grammar: LlamaGrammar | null): Promise<SequenceEvaluateOptions> {
  const { LlamaGrammarEvaluationState } = await import('node-llama-cpp');
  return {
    temperature: asked.temperature,
    topK: TOP_K,
    topP: asked.topP ?? 1,
    ...(asked.seed === undefined ? {} : { seed: asked.seed }),
    ...(grammar === null ? {} : { grammarEvaluationState: new LlamaGrammarEvaluationState({ model, grammar }) }),
  };
}

type Speaking = {
  readonly model: LlamaModel;
  readonly place: Place;
  readonly take: Take;
  readonly first: Token[];
  readonly sampling: SequenceEvaluateOptions;
  readonly outputMax: number;
  readonly stop: readonly string[];
  readonly turn: Turn;
};

async function speak({ model, place, take, first, sampling, outputMax, stop, turn }: Speaking): Promise<Omit<Ending, 'inputTokens'>> {
  const watch = watchStops(stop);
  const writing = writer(model);
  let outputTokens = 0;
  let finishReason: Ending['finishReason'] = 'stop';
  const say = (text: string): void => {
    if (text !== '') turn.say(text);
  };
  if (turn.isCancelled()) return { finishReason, outputTokens };
  for await (const token of oneByOne(place.sequence.evaluate(first, sampling), take)) {
    if (turn.isCancelled()) break;
    outputTokens++;
    const { text, stopped } = watch.push(writing.push(token));
    say(text);
    if (stopped) return { finishReason, outputTokens };
    if (outputTokens < outputMax) continue;
    finishReason = 'length';
    break;
  }
  const { text, stopped } = watch.push(writing.rest());
  say(stopped ? text : text + watch.rest());
  return { finishReason, outputTokens };
}

async function* oneByOne(tokens: AsyncGenerator<Token, void>, take: Take): AsyncGenerator<Token> {
  try {
    for (;;) {
      const step = await take(0, () => tokens.next());
      if (step.done) return;
      yield step.value;
    }
  } finally {
    await tokens.return();
  }
}

/** A character has at most four bytes, each of which may be a token. */
const CHARACTER_TOKENS_MAX = 4;
/** How much of what was said decides whether a space comes before what is said next. */
const BEFORE = 8;

/** Makes text of tokens, whole characters only. */
function writer(model: LlamaModel): { readonly push: (token: Token) => string; readonly rest: () => string } {
  let before: readonly Token[] = [];
  let pending: readonly Token[] = [];
  let text = '';
  const write = (): string => {
    const written = text;
    before = [...before, ...pending].slice(-BEFORE);
    pending = [];
    text = '';
    return written;
  };
  return {
    push(token) {
      pending = [...pending, token];
      text = model.detokenize(pending, false, before);
      return !text.endsWith('\uFFFD') || pending.length >= CHARACTER_TOKENS_MAX ? write() : '';
    },
    rest: write,
  };
}

const GRAMMARS_MAX = 32;

/** Reading a grammar takes a while, and the same is asked for again and again. */
function grammars(llama: Llama): (text: string) => Promise<LlamaGrammar> {
  const known = new Map<string, LlamaGrammar>();
  return async (text) => {
    const found = known.get(text) ?? (await llama.createGrammar({ grammar: text }).catch(unreadable));
    known.delete(text);
    known.set(text, found);
    const [oldest] = known.keys();
    if (known.size > GRAMMARS_MAX && oldest !== undefined) known.delete(oldest);
    return found;
  };
}

function unreadable(): never {
  throw new RefusedError({ words: 'This JSON Schema is more than the local model can be held to', code: null, param: 'response_format' });
}
