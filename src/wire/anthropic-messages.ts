import type { FinishReason, ModelEvent, Usage } from '../core/events.ts';
import { UpstreamError } from '../core/provider.ts';
import { countOf, isObject, type JsonObject, listOf, objectOf, parseObject, textOf } from './read-json.ts';
import type { SseEvent } from './sse.ts';
import { type AnswerCodec, cutOff, type StreamDecoder } from './upstream-codec.ts';
import { faultInAnswer, providerError, readError } from './upstream-fault.ts';

/**
 * The answers of the Messages API: https://docs.anthropic.com/en/api/messages. Where an answer was asked for as the input of a tool, it is turned
 * back into text.
 */
export function anthropicMessages(answerTool: string | null): AnswerCodec {
  return {
    decodeAnswer: (answer, model) => decodeAnswer(answer, model, answerTool),
    streamDecoder: (model) => streamDecoder(model, answerTool),
  };
}

function decodeAnswer(answer: JsonObject, model: string, answerTool: string | null): readonly ModelEvent[] {
  const error = providerError(answer);
  if (error) throw faultInAnswer(error);
  if (!Array.isArray(answer['content'])) throw new UpstreamError('broken', 'The provider sent a message without content.');
  const events: ModelEvent[] = [startEvent(answer, model)];
  const blocks = blockReader(answerTool);
  for (const [index, block] of listOf(answer['content']).entries()) {
    blocks.open(index, objectOf(block), events);
    blocks.close(index, events);
  }
  // A whole body is over by itself, so that a server which forgets to say why has still ended.
  endEvents(answer['usage'], finishReasonOf(answer['stop_reason'], blocks.calls()) ?? (blocks.calls() > 0 ? 'tool_calls' : 'stop'), events);
  return events;
}

function startEvent(message: JsonObject, model: string): ModelEvent {
  const id = textOf(message['id']);
  return { type: 'start', model: textOf(message['model']) || model, ...(id === '' ? {} : { id }) };
}

function streamDecoder(model: string, answerTool: string | null): StreamDecoder {
  const reader = streamReader(answerTool);
  let started = false;

  return {
    ended: reader.ended,
    end() {
      if (!reader.ended()) throw cutOff();
    },
    push({ event, data }: SseEvent) {
      if (reader.ended()) return [];
      const body = parseObject(data);
      const type = textOf(body['type']) || event;
      if (type === 'error') throw faultInAnswer(providerError(body) ?? readError(body));
      const events: ModelEvent[] = [];
      if (!started) {
        started = true;
        events.push(startEvent(objectOf(body['message']), model));
      }
      reader.read(type, body, events);
      return events;
    },
  };
}

type StreamReader = { readonly read: (type: string, body: JsonObject, into: ModelEvent[]) => void; readonly ended: () => boolean };

/** `message_stop` after a stop reason is the end, and nothing else is. */
function streamReader(answerTool: string | null): StreamReader {
  const blocks = blockReader(answerTool);
  let ended = false;
  let stopReason: unknown = null;
  let usage: JsonObject = {};

  return {
    ended: () => ended,
    read(type, body, into) {
      switch (type) {
        case 'message_start':
          usage = objectOf(objectOf(body['message'])['usage']);
          return beginEvents(usage, into);
        case 'content_block_start':
          return blocks.open(body['index'], objectOf(body['content_block']), into);
        case 'content_block_delta':
          return blocks.add(body['index'], objectOf(body['delta']), into);
        case 'content_block_stop':
          return blocks.close(body['index'], into);
        case 'message_delta':
          stopReason = objectOf(body['delta'])['stop_reason'] ?? stopReason;
          usage = { ...usage, ...stated(body['usage']) };
          return;
        case 'message_stop': {
          const reason = finishReasonOf(stopReason, blocks.calls());
          if (reason === null) throw cutOff();
          ended = true;
          return endEvents(usage, reason, into);
        }
        default:
          // Pings, and what is newer than we are.
          return;
      }
    },
  };
}

/** Later counts take the place of earlier ones, where they say something. */
function stated(usage: unknown): JsonObject {
  return Object.fromEntries(Object.entries(objectOf(usage)).filter(([, value]) => value !== null));
}

type BlockReader = {
  readonly open: (index: unknown, block: JsonObject, into: ModelEvent[]) => void;
  readonly add: (index: unknown, delta: JsonObject, into: ModelEvent[]) => void;
  readonly close: (index: unknown, into: ModelEvent[]) => void;
  /** How many tools are called. */
  readonly calls: () => number;
};

/** A block that is open: a tool's by the number of the call, null where its input is the answer. */
type Open = { readonly call: number | null; readonly input: unknown; said: boolean };

/** Blocks are numbered as a whole, tool calls 0, 1, … among themselves. What a block says is in its pieces, and in its start where there are none. */
function blockReader(answerTool: string | null): BlockReader {
  const tools = new Map<unknown, Open>();
  let calls = 0;

  const sayInput = (tool: Open, text: string, into: ModelEvent[]): void => {
    if (text === '') return;
    tool.said = true;
    into.push(tool.call === null ? { type: 'text-delta', text } : { type: 'tool-delta', index: tool.call, arguments: text });
  };

  return {
    calls: () => calls,
    open(index, block, into) {
      const text = textOf(block['text']);
      const thinking = textOf(block['thinking']);
      if (block['type'] === 'text' && text !== '') into.push({ type: 'text-delta', text });
      else if (block['type'] === 'thinking' && thinking !== '') into.push({ type: 'reasoning-delta', text: thinking });
      else if (block['type'] === 'tool_use') {
        const name = textOf(block['name']);
        const call = name === answerTool ? null : calls++;
        tools.set(index, { call, input: block['input'], said: false });
        if (call !== null) into.push({ type: 'tool-start', index: call, id: textOf(block['id']) || `call_${call}`, name });
      }
    },
    add(index, delta, into) {
      const text = textOf(delta['text']);
      const thinking = textOf(delta['thinking']);
      if (delta['type'] === 'text_delta' && text !== '') into.push({ type: 'text-delta', text });
      else if (delta['type'] === 'thinking_delta' && thinking !== '') into.push({ type: 'reasoning-delta', text: thinking });
      else if (delta['type'] === 'input_json_delta') {
        const tool = tools.get(index);
        // The tools that the provider runs by itself have input too.
        if (tool) sayInput(tool, textOf(delta['partial_json']), into);
      }
    },
    close(index, into) {
      const tool = tools.get(index);
      if (tool && !tool.said) sayInput(tool, JSON.stringify(isObject(tool.input) ? tool.input : {}), into);
      tools.delete(index);
    },
  };
}

/** What was read is known, and paid for, before the first word. */
function beginEvents(usage: JsonObject, into: ModelEvent[]): void {
  const counted = decodeUsage(usage);
  if (counted) into.push({ type: 'usage', usage: counted, begun: true });
}

function endEvents(usage: unknown, finishReason: FinishReason, into: ModelEvent[]): void {
  const counted = decodeUsage(usage);
  if (counted) into.push({ type: 'usage', usage: counted });
  into.push({ type: 'end', finishReason });
}

function finishReasonOf(word: unknown, calls: number): FinishReason | null {
  switch (word) {
    case null:
    case undefined:
      return null;
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'tool_use':
      // A tool whose input is the answer is no tool that the caller knows.
      return calls > 0 ? 'tool_calls' : 'stop';
    case 'refusal':
      return 'content_filter';
    default:
      // end_turn, stop_sequence, pause_turn, and what servers of other models call a natural end.
      return 'stop';
  }
}

/** What was read from the cache and what was written into it is counted apart there, and is input all the same. */
function decodeUsage(value: unknown): Usage | null {
  const usage = objectOf(value);
  const fresh = countOf(usage['input_tokens']);
  const outputTokens = countOf(usage['output_tokens']);
  if (fresh === null || outputTokens === null) return null;
  const creation = objectOf(usage['cache_creation']);
  const short = countOf(creation['ephemeral_5m_input_tokens']) ?? 0;
  const long = countOf(creation['ephemeral_1h_input_tokens']) ?? 0;
  const written = countOf(usage['cache_creation_input_tokens']) ?? short + long;
  const cached = countOf(usage['cache_read_input_tokens']) ?? 0;
  const reasoning = countOf(objectOf(usage['output_tokens_details'])['thinking_tokens']);
  return {
    inputTokens: fresh + cached + written,
    outputTokens,
    ...(cached > 0 ? { cachedInputTokens: cached } : {}),
    ...(written > 0 ? { cacheWriteTokens: written } : {}),
    ...(long > 0 ? { longCacheWriteTokens: long } : {}),
    ...(reasoning ? { reasoningTokens: reasoning } : {}),
  };
}
