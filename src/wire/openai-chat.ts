import type { FinishReason, ModelEvent, Usage } from '../core/events.ts';
import type { ContentPart, Message, ModelRequest, Tool } from '../core/model-request.ts';
import { UpstreamError } from '../core/provider.ts';
import { isStrictSchema, schemaName } from './openai-strict.ts';
import { countOf, isObject, type JsonObject, listOf, objectOf, parseObject, textOf } from './read-json.ts';
import type { SseEvent } from './sse.ts';
import { cutOff, type ModelTraits, type StreamDecoder, type UpstreamCodec } from './upstream-codec.ts';
import { faultInAnswer, providerError, readError } from './upstream-fault.ts';

/** Chat completions, as we ask an upstream for them: https://platform.openai.com/docs/api-reference/chat. */
export const openaiChat: UpstreamCodec = { path: '/chat/completions', canSay: () => true, encodeRequest, decodeAnswer, streamDecoder };

function encodeRequest(request: ModelRequest, traits: ModelTraits): JsonObject {
  const body: Record<string, unknown> = { model: request.model, messages: request.messages.map(encodeMessage) };
  if (!traits.reasoning) {
    if (request.temperature !== undefined) body['temperature'] = request.temperature;
    if (request.topP !== undefined) body['top_p'] = request.topP;
  }
  // The new word is unknown to many compatible servers, the old one is refused by reasoning models.
  if (request.maxTokens !== undefined) body[traits.reasoning ? 'max_completion_tokens' : 'max_tokens'] = request.maxTokens;
  if (request.stop && request.stop.length > 0) body['stop'] = request.stop;
  if (request.seed !== undefined) body['seed'] = request.seed;
  if (request.tools && request.tools.length > 0) {
    body['tools'] = request.tools.map(encodeTool);
    if (request.oneToolCall) body['parallel_tool_calls'] = false;
    if (request.toolChoice !== undefined) {
      body['tool_choice'] = typeof request.toolChoice === 'string' ? request.toolChoice : { type: 'function', function: { name: request.toolChoice.name } };
    }
  }
  if (request.output) {
    const { name, schema } = request.output;
    body['response_format'] = { type: 'json_schema', json_schema: { name: schemaName(name), schema, strict: isStrictSchema(schema) } };
  }
  if (request.stream) {
    body['stream'] = true;
    body['stream_options'] = { include_usage: true };
  }
  return body;
}

function encodeMessage(message: Message): JsonObject {
  switch (message.role) {
    case 'tool':
      return { role: 'tool', tool_call_id: message.toolCallId, content: message.content };
    case 'assistant': {
      const calls = message.toolCalls ?? [];
      if (calls.length === 0) return { role: 'assistant', content: message.content };
      return {
        role: 'assistant',
        content: message.content || null,
        tool_calls: calls.map((call) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } })),
      };
    }
    default:
      return { role: message.role, content: typeof message.content === 'string' ? message.content : message.content.map(encodePart) };
  }
}

function encodePart(part: ContentPart): JsonObject {
  if (part.type === 'text') return { type: 'text', text: part.text };
  return { type: 'image_url', image_url: { url: part.url, ...(part.detail === undefined ? {} : { detail: part.detail }) } };
}

function encodeTool({ name, description, parameters, strict }: Tool): JsonObject {
  return {
    type: 'function',
    function: { name, ...(description === undefined ? {} : { description }), parameters, ...(strict === undefined ? {} : { strict }) },
  };
}

function decodeAnswer(answer: JsonObject, model: string): readonly ModelEvent[] {
  const error = providerError(answer);
  if (error) throw faultInAnswer(error);
  const choice = firstChoice(answer);
  if (!isObject(choice) || !isObject(choice['message'])) throw new UpstreamError('broken', 'The provider sent a chat completion without a message.');
  const tools = toolNumbers();
  const events: ModelEvent[] = [startEvent(answer, model)];
  // A whole message has the members of a piece of one.
  pieceEvents(choice['message'], tools, events);
  const usage = decodeUsage(answer['usage']);
  if (usage) events.push({ type: 'usage', usage });
  const reason = finishReasonOf(choice['finish_reason']);
  // A whole body is over by itself, so that a server which forgets to say why has still ended.
  events.push({ type: 'end', finishReason: reason ?? (tools.count() > 0 ? 'tool_calls' : 'stop') });
  return events;
}

/** `[DONE]` after a finish reason is the end, and nothing else is: usage comes between the two, and a stream that stops earlier broke. */
function streamDecoder(model: string): StreamDecoder {
  const tools = toolNumbers();
  let started = false;
  let finishReason: FinishReason | null = null;
  let usage: Usage | null = null;
  let ended = false;

  const done = (): readonly ModelEvent[] => {
    if (finishReason === null) throw cutOff();
    ended = true;
    const end: ModelEvent = { type: 'end', finishReason };
    return usage ? [{ type: 'usage', usage }, end] : [end];
  };

  return {
    ended: () => ended,
    end() {
      if (!ended) throw cutOff();
    },
    push({ data, event }: SseEvent) {
      if (ended) return [];
      if (data === '[DONE]') return done();
      const chunk = parseObject(data);
      const error = providerError(chunk) ?? (event === 'error' ? readError(chunk) : null);
      if (error) throw faultInAnswer(error);
      const events: ModelEvent[] = [];
      if (!started) {
        started = true;
        events.push(startEvent(chunk, model));
      }
      if (chunk['usage']) usage = decodeUsage(chunk['usage']) ?? usage;
      const choice = firstChoice(chunk);
      if (!isObject(choice)) return events;
      pieceEvents(objectOf(choice['delta']), tools, events);
      finishReason = finishReasonOf(choice['finish_reason']) ?? finishReason;
      return events;
    },
  };
}

/** Of several answers the first is read: the others are for a caller who gets the provider's own words. */
function firstChoice(answer: JsonObject): unknown {
  const choices = listOf(answer['choices']);
  return objectOf(choices[0])['index'] ? choices.find((choice) => objectOf(choice)['index'] === 0) : choices[0];
}

function startEvent(answer: JsonObject, model: string): ModelEvent {
  const { id } = answer;
  return { type: 'start', model: textOf(answer['model']) || model, ...(typeof id === 'string' && id !== '' ? { id } : {}) };
}

/** What one piece says. DeepSeek, vLLM and others call the thinking `reasoning_content`, OpenRouter, Groq and Ollama `reasoning`. */
function pieceEvents(piece: JsonObject, tools: ToolNumbers, into: ModelEvent[]): void {
  const { content, refusal } = piece;
  const reasoning = piece['reasoning_content'] ?? piece['reasoning'];
  if (typeof reasoning === 'string' && reasoning !== '') into.push({ type: 'reasoning-delta', text: reasoning });
  if (typeof content === 'string') {
    if (content !== '') into.push({ type: 'text-delta', text: content });
  } else if (content) partEvents(content, into);
  if (typeof refusal === 'string' && refusal !== '') into.push({ type: 'refusal-delta', text: refusal });
  if (piece['tool_calls']) for (const call of listOf(piece['tool_calls'])) toolEvents(objectOf(call), tools, into);
}

/** Content in parts, as Mistral sends it when its models think. */
function partEvents(content: unknown, into: ModelEvent[]): void {
  for (const item of listOf(content)) {
    const part = objectOf(item);
    const text =
      textOf(part['text']) ||
      listOf(part['thinking'])
        .map((thought) => textOf(objectOf(thought)['text']))
        .join('');
    if (text !== '') into.push({ type: part['type'] === 'thinking' ? 'reasoning-delta' : 'text-delta', text });
  }
}

type ToolNumbers = { readonly find: (call: JsonObject) => { index: number; isNew: boolean }; readonly count: () => number };

/** Numbers tool calls 0, 1, … by the index that the provider gives, or by their id where it gives none. */
function toolNumbers(): ToolNumbers {
  const known = new Map<unknown, { index: number; id: string }>();
  let count = 0;
  return {
    count: () => count,
    find(call) {
      const id = textOf(call['id']);
      const key = call['index'] ?? (id || count - 1);
      const seen = known.get(key);
      const named = textOf(objectOf(call['function'])['name']) !== '';
      // Gemini's OpenAI endpoint gives parallel calls one index: a name under another id is another call.
      if (seen && !(named && id !== '' && id !== seen.id)) return { index: seen.index, isNew: false };
      if (!named) return { index: count - 1, isNew: false };
      known.set(key, { index: count, id });
      return { index: count++, isNew: true };
    },
  };
}

function toolEvents(call: JsonObject, tools: ToolNumbers, into: ModelEvent[]): void {
  const { index, isNew } = tools.find(call);
  if (index < 0) throw new UpstreamError('broken', 'The provider sent arguments of a tool call before its name.');
  const { name, arguments: given } = objectOf(call['function']);
  if (isNew) into.push({ type: 'tool-start', index, id: textOf(call['id']) || `call_${index}`, name: textOf(name) });
  // OpenAI's arguments are JSON text; some servers send them parsed.
  const text = isObject(given) ? JSON.stringify(given) : textOf(given);
  if (text !== '') into.push({ type: 'tool-delta', index, arguments: text });
}

function finishReasonOf(word: unknown): FinishReason | null {
  if (typeof word !== 'string' || word === '') return null;
  switch (word) {
    case 'length':
    case 'max_tokens':
    case 'model_length':
      return 'length';
    case 'tool_calls':
    case 'function_call':
    case 'tool_use':
      return 'tool_calls';
    case 'content_filter':
    case 'safety':
      return 'content_filter';
    case 'error':
    case 'abort':
    case 'cancelled':
    case 'insufficient_system_resource':
      throw new UpstreamError('broken', `The provider broke the answer off (${word}).`);
    default:
      // Servers have words of their own for a natural end: stop, eos, end_turn, stop_sequence.
      return 'stop';
  }
}

function decodeUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  const inputTokens = countOf(value['prompt_tokens']);
  const outputTokens = countOf(value['completion_tokens']);
  if (inputTokens === null || outputTokens === null) return null;
  const cached = countOf(objectOf(value['prompt_tokens_details'])['cached_tokens']) ?? countOf(value['prompt_cache_hit_tokens']);
  const written = countOf(objectOf(value['prompt_tokens_details'])['cache_write_tokens']);
  const reasoning = countOf(objectOf(value['completion_tokens_details'])['reasoning_tokens']);
  return {
    inputTokens,
    outputTokens,
    ...(cached ? { cachedInputTokens: cached } : {}),
    ...(written ? { cacheWriteTokens: written } : {}),
    ...(reasoning ? { reasoningTokens: reasoning } : {}),
  };
}
