import type { EventBatches, FinishReason, ModelEvent, ToolCall } from '../core/events.ts';
import type { ModelRequest } from '../core/model-request.ts';
import { type Call, type EmbedAnswer, type EmbedRequest, type ModelFacts, type Provider, UpstreamError } from '../core/provider.ts';
import { embedInputTokens, estimateInputTokens, estimateTokens } from '../core/tokens.ts';
import { DIMENSIONS, DIMENSIONS_MAX, embed } from './demo/embedding.ts';
import { readRequest } from './demo/reading.ts';
import { speak } from './demo/speaking.ts';
import { structuredAnswer } from './demo/structured.ts';
import { afterTools, toolCallsFor } from './demo/tool-calls.ts';

/**
 * The built-in model for a first run without a key: it does every task in form, says in every text that it is a demo, costs nothing and
 * asks no network. Its siblings show what trouble with a provider looks like.
 */
const PRICE = { inputNanoUsd: 0, outputNanoUsd: 0, asOf: '2026-11-21', source: 'built in' } as const;
const CHAT: Omit<ModelFacts, 'id'> = {
  contextTokens: 128_000,
  outputTokensMax: 16_384,
  capabilities: ['chat', 'stream', 'tools', 'json_schema', 'images'],
  price: PRICE,
};

export const demo: Provider = {
  id: 'demo',
  origin: null,
  open: false,
  models: [
    { ...CHAT, id: 'demo', capabilities: [...CHAT.capabilities, 'embeddings'] },
    { ...CHAT, id: 'demo-slow' },
    { ...CHAT, id: 'demo-flaky' },
    { ...CHAT, id: 'demo-429' },
    { ...CHAT, id: 'demo-cut' },
    { id: 'demo-embedding', contextTokens: 8_192, outputTokensMax: 0, capabilities: ['embeddings'], price: PRICE },
  ],
  chat,
  embed: embedAll,
};

/** What is turned into vectors without letting others have a turn. */
const CHARS_A_TURN = 50_000;

async function embedAll(request: EmbedRequest, { signal, sleep }: Call): Promise<EmbedAnswer> {
  const { texts, dimensions = DIMENSIONS } = request;
  if (dimensions > DIMENSIONS_MAX) throw new UpstreamError('rejected', `The demo's vectors have at most ${DIMENSIONS_MAX} dimensions.`);
  const vectors: number[][] = [];
  let chars = 0;
  for (const text of texts) {
    signal.throwIfAborted();
    vectors.push(embed(typeof text === 'string' ? text : text.join(' '), dimensions));
    chars += text.length;
    if (chars < CHARS_A_TURN) continue;
    chars = 0;
    await sleep(0, signal);
  }
  return { vectors, inputTokens: embedInputTokens(request) };
}

const FLAKY_SHARE = 0.3;
const RETRY_AFTER_MS = 1000;

async function* chat(request: ModelRequest, call: Call): EventBatches {
  call.signal.throwIfAborted();
  if (request.model === 'demo-429') throw new UpstreamError('rate_limited', 'demo-429 limits every call.', { status: 429, retryAfterMs: RETRY_AFTER_MS });
  if (request.model === 'demo-flaky' && call.random() < FLAKY_SHARE) throw new UpstreamError('failed', 'demo-flaky fails three calls in ten.', { status: 503 });
  const said = answer(request);
  const events = paced(said, request);
  if (request.stream) {
    yield* piecewise(request, call, { events, said });
    return;
  }
  if (request.model === 'demo-cut') throw cutOff();
  const waitMs = events.reduce((sum, each) => sum + each.waitMs, 0);
  if (request.model === 'demo-slow') await call.sleep(waitMs, call.signal);
  call.signal.throwIfAborted();
  yield [start(request), ...events.map(({ event }) => event), ...ending(request, said)];
}

async function* piecewise(request: ModelRequest, call: Call, { events, said }: { readonly events: readonly Paced[]; readonly said: Said }): EventBatches {
  const isCut = request.model === 'demo-cut';
  let opening: readonly ModelEvent[] = [start(request)];
  for (const { event, waitMs } of isCut ? events.slice(0, Math.ceil(events.length / 2)) : events) {
    await call.sleep(waitMs, call.signal);
    call.signal.throwIfAborted();
    yield [...opening, event];
    opening = [];
  }
  if (isCut) throw cutOff();
  yield [...opening, ...ending(request, said)];
}

function cutOff(): UpstreamError {
  return new UpstreamError('broken', 'demo-cut breaks off in the middle.');
}

type Said = { readonly text: string; readonly toolCalls: readonly ToolCall[]; readonly finishReason: FinishReason };

function answer(request: ModelRequest): Said {
  const toolCalls = toolCallsFor(request);
  if (toolCalls.length > 0) return { text: '', toolCalls, finishReason: 'tool_calls' };
  const { text, isCut } = limited(wholeText(request), request);
  return { text, toolCalls, finishReason: isCut ? 'length' : 'stop' };
}

function wholeText(request: ModelRequest): string {
  const reading = readRequest(request.messages);
  const told = afterTools(request.messages);
  if (request.output) return JSON.stringify(structuredAnswer(told === null ? reading : { ...reading, task: 'chat', material: told }, request.output.schema));
  return told ?? speak(reading);
}

/** Ends before the first stop sequence, and at `maxTokens`. */
function limited(text: string, { stop = [], maxTokens }: ModelRequest): { readonly text: string; readonly isCut: boolean } {
  const stops = stop.map((each) => (each === '' ? -1 : text.indexOf(each))).filter((at) => at !== -1);
  const kept = text.slice(0, Math.min(text.length, ...stops));
  if (maxTokens === undefined || estimateTokens(kept) <= maxTokens) return { text: kept, isCut: false };
  let low = 0;
  let high = kept.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (estimateTokens(kept.slice(0, middle)) <= maxTokens) low = middle;
    else high = middle;
  }
  const isInsidePair = /[\ud800-\udbff]/.test(kept.charAt(low - 1));
  return { text: kept.slice(0, isInsidePair ? low - 1 : low), isCut: true };
}

type Paced = { readonly event: ModelEvent; readonly waitMs: number };

const PIECE_MS = 30;
const WORDS_A_PIECE = 2;
// However long an answer is, it is said within twenty seconds.
const PIECES_MAX = 650;
const SLOW_TOKENS_A_SECOND = 20;

function paced({ text, toolCalls }: Said, { model, stream }: ModelRequest): Paced[] {
  const isSlow = model === 'demo-slow';
  const pieces = stream || isSlow ? piecesOf(text, isSlow ? 1 : WORDS_A_PIECE) : [text].filter((piece) => piece !== '');
  const wait = (piece: string): number => (isSlow ? (estimateTokens(piece) / SLOW_TOKENS_A_SECOND) * 1000 : PIECE_MS);
  const texts = pieces.map((piece): Paced => ({ event: { type: 'text-delta', text: piece }, waitMs: wait(piece) }));
  const calls = toolCalls.flatMap((call, index): Paced[] => [
    { event: { type: 'tool-start', index, id: call.id, name: call.name }, waitMs: PIECE_MS },
    { event: { type: 'tool-delta', index, arguments: call.arguments }, waitMs: wait(call.arguments) },
  ]);
  return [...texts, ...calls];
}

function piecesOf(text: string, wordsAPiece: number): string[] {
  // A script without spaces is cut by characters.
  const words = text.match(/\s*[^\s\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]+|\s*[\s\S]/gu) ?? [];
  const size = wordsAPiece === 1 ? 1 : Math.max(wordsAPiece, Math.ceil(words.length / PIECES_MAX));
  return Array.from({ length: Math.ceil(words.length / size) }, (_, index) => words.slice(index * size, (index + 1) * size).join(''));
}

function start(request: ModelRequest): ModelEvent {
  return { type: 'start', model: request.model };
}

function ending(request: ModelRequest, { text, toolCalls, finishReason }: Said): ModelEvent[] {
  const outputTokens = estimateTokens(text) + toolCalls.reduce((sum, call) => sum + estimateTokens(call.name + call.arguments), 0);
  return [
    { type: 'usage', usage: { inputTokens: estimateInputTokens(request), outputTokens } },
    { type: 'end', finishReason },
  ];
}
