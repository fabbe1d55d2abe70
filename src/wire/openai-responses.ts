import type { FinishReason, ModelEvent, Usage } from '../core/events.ts';
import type { ContentPart, Message, ModelRequest, Tool } from '../core/model-request.ts';
import { UpstreamError } from '../core/provider.ts';
import { isStrictSchema, schemaName } from './openai-strict.ts';
import { countOf, isObject, type JsonObject, listOf, objectOf, parseObject, textOf } from './read-json.ts';
import type { SseEvent } from './sse.ts';
import { cutOff, type ModelTraits, type StreamDecoder, type UpstreamCodec } from './upstream-codec.ts';
import { faultInAnswer, providerError, readError } from './upstream-fault.ts';

/** The Responses API, as we ask an upstream with it: https://platform.openai.com/docs/api-reference/responses. */
export const openaiResponses: UpstreamCodec = { path: '/responses', canSay, encodeRequest, decodeAnswer, streamDecoder };

/** The Responses API answers a smaller limit with 400. */
const OUTPUT_TOKENS_MIN = 16;

/** It has no stop sequences and no seed. */
function canSay(request: ModelRequest): boolean {
  return (request.stop ?? []).length === 0 && request.seed === undefined && (request.maxTokens ?? OUTPUT_TOKENS_MIN) >= OUTPUT_TOKENS_MIN;
}

function encodeRequest(request: ModelRequest, traits: ModelTraits): JsonObject {
  // OpenAI keeps answers for 30 days unless told not to; what is kept is ours to decide.
  const body: Record<string, unknown> = { model: request.model, input: request.messages.flatMap(encodeMessage), store: false };
  if (!traits.reasoning) {
    if (request.temperature !== undefined) body['temperature'] = request.temperature;
    if (request.topP !== undefined) body['top_p'] = request.topP;
  }
  if (request.maxTokens !== undefined) body['max_output_tokens'] = request.maxTokens;
  if (request.tools && request.tools.length > 0) {
    body['tools'] = request.tools.map(encodeTool);
    if (request.oneToolCall) body['parallel_tool_calls'] = false;
    if (request.toolChoice !== undefined) {
      body['tool_choice'] = typeof request.toolChoice === 'string' ? request.toolChoice : { type: 'function', name: request.toolChoice.name };
    }
  }
  if (request.output) {
    const { name, schema } = request.output;
    body['text'] = { format: { type: 'json_schema', name: schemaName(name), schema, strict: isStrictSchema(schema) } };
  }
  if (request.stream) body['stream'] = true;
  return body;
}

function encodeMessage(message: Message): readonly JsonObject[] {
  switch (message.role) {
    case 'tool':
      return [{ type: 'function_call_output', call_id: message.toolCallId, output: message.content }];
    case 'assistant': {
      const calls = (message.toolCalls ?? []).map((call) => ({ type: 'function_call', call_id: call.id, name: call.name, arguments: call.arguments }));
      return message.content === '' && calls.length > 0 ? calls : [{ role: 'assistant', content: message.content }, ...calls];
    }
    default:
      return [{ role: message.role, content: typeof message.content === 'string' ? message.content : message.content.map(encodePart) }];
  }
}

function encodePart(part: ContentPart): JsonObject {
  if (part.type === 'text') return { type: 'input_text', text: part.text };
  return { type: 'input_image', image_url: part.url, detail: part.detail ?? 'auto' };
}

function encodeTool({ name, description, parameters, strict }: Tool): JsonObject {
  // Unlike chat completions, the Responses API takes a tool for strict unless told otherwise.
  return { type: 'function', name, ...(description === undefined ? {} : { description }), parameters, strict: strict ?? false };
}

function decodeAnswer(answer: JsonObject, model: string): readonly ModelEvent[] {
  throwIfFailed(answer);
  if (!Array.isArray(answer['output'])) throw new UpstreamError('broken', 'The provider sent a response without output.');
  const events: ModelEvent[] = [startEvent(answer, model)];
  const calls = outputEvents(answer['output'], events);
  endEvents(answer, calls > 0, events);
  return events;
}

function throwIfFailed(response: JsonObject): void {
  const error = providerError(response);
  if (error) throw faultInAnswer(error);
  if (response['status'] === 'failed') throw new UpstreamError('failed', 'The provider failed without saying why.');
}

function startEvent(response: JsonObject, model: string): ModelEvent {
  const id = textOf(response['id']);
  return { type: 'start', model: textOf(response['model']) || model, ...(id === '' ? {} : { id }) };
}

/** Says what whole items say; the answer is how many tools they call. */
function outputEvents(output: readonly unknown[], into: ModelEvent[]): number {
  let calls = 0;
  for (const value of output) {
    const item = objectOf(value);
    if (item['type'] === 'message') messageEvents(item, into);
    else if (item['type'] === 'reasoning') {
      const summaries = listOf(item['summary']).map((part) => textOf(objectOf(part)['text']));
      const text =
        summaries.join(PARAGRAPH) ||
        listOf(item['content'])
          .map((part) => textOf(objectOf(part)['text']))
          .join(PARAGRAPH);
      if (text !== '') into.push({ type: 'reasoning-delta', text });
    } else if (item['type'] === 'function_call') {
      const index = calls++;
      into.push(toolStart(item, index));
      const text = textOf(item['arguments']);
      if (text !== '') into.push({ type: 'tool-delta', index, arguments: text });
    }
  }
  return calls;
}

const PARAGRAPH = '\n\n';

function messageEvents(item: JsonObject, into: ModelEvent[]): void {
  for (const value of listOf(item['content'])) {
    const part = objectOf(value);
    const text = textOf(part['text']);
    const refusal = textOf(part['refusal']);
    if (text !== '') into.push({ type: 'text-delta', text });
    if (refusal !== '') into.push({ type: 'refusal-delta', text: refusal });
  }
}

function toolStart(item: JsonObject, index: number): ModelEvent {
  return { type: 'tool-start', index, id: textOf(item['call_id']) || textOf(item['id']) || `call_${index}`, name: textOf(item['name']) };
}

function endEvents(response: JsonObject, calledTools: boolean, into: ModelEvent[]): void {
  const usage = decodeUsage(response['usage']);
  if (usage) into.push({ type: 'usage', usage });
  into.push({ type: 'end', finishReason: finishReasonOf(response, calledTools) });
}

function finishReasonOf(response: JsonObject, calledTools: boolean): FinishReason {
  if (response['status'] === 'completed') return calledTools ? 'tool_calls' : 'stop';
  if (response['status'] === 'incomplete') return objectOf(response['incomplete_details'])['reason'] === 'content_filter' ? 'content_filter' : 'length';
  throw new UpstreamError('broken', `The provider sent a response that is not complete (${textOf(response['status']) || 'no status'}).`);
}

/** Only `response.completed` and `response.incomplete` are an end. */
function streamDecoder(model: string): StreamDecoder {
  const said = streamedItems();
  let started = false;
  let ended = false;

  return {
    ended: () => ended,
    end() {
      if (!ended) throw cutOff();
    },
    push({ event, data }: SseEvent) {
      if (ended) return [];
      // Some servers end this stream as they end the other one; it says nothing here.
      if (data === '[DONE]') throw cutOff();
      const body = parseObject(data);
      const type = textOf(body['type']) || event;
      // The event may wrap its error or be it.
      if (type === 'error') throw faultInAnswer(providerError(body) ?? readError(body));
      const response = objectOf(body['response']);
      const events: ModelEvent[] = [];
      if (!started) {
        started = true;
        events.push(startEvent(response, model));
      }
      if (type === 'response.failed') throwIfFailed({ status: 'failed', ...response });
      else if (type === 'response.completed' || type === 'response.incomplete') {
        throwIfFailed(response);
        const calls = said.anything() ? said.calls() : outputEvents(listOf(response['output']), events);
        endEvents({ status: type.slice('response.'.length), ...response }, calls > 0, events);
        ended = true;
      } else said.push(type, body, events);
      return events;
    },
  };
}

type StreamedItems = {
  readonly push: (type: string, body: JsonObject, into: ModelEvent[]) => void;
  readonly calls: () => number;
  readonly anything: () => boolean;
};

/** The pieces of items, as they come between the start and the end of a stream. */
function streamedItems(): StreamedItems {
  // By `output_index`, which counts all items, not only tool calls.
  const calls = new Map<unknown, { readonly index: number; said: boolean }>();
  let anything = false;

  const deltaEvent = (type: string, body: JsonObject): ModelEvent | null => {
    const text = textOf(body['delta']);
    switch (type) {
      case 'response.output_text.delta':
        return text === '' ? null : { type: 'text-delta', text };
      case 'response.refusal.delta':
        return { type: 'refusal-delta', text };
      case 'response.reasoning_text.delta':
      case 'response.reasoning_summary_text.delta':
        return { type: 'reasoning-delta', text };
      case 'response.reasoning_summary_part.added':
        return body['summary_index'] === 0 ? null : { type: 'reasoning-delta', text: PARAGRAPH };
      default:
        return toolEvent(type, body);
    }
  };

  const toolEvent = (type: string, body: JsonObject): ModelEvent | null => {
    if (type === 'response.output_item.added') {
      const item = body['item'];
      if (!isObject(item) || item['type'] !== 'function_call') return null;
      const call = { index: calls.size, said: false };
      calls.set(body['output_index'], call);
      return toolStart(item, call.index);
    }
    const isDelta = type === 'response.function_call_arguments.delta';
    if (!isDelta && type !== 'response.function_call_arguments.done') return null;
    const call = calls.get(body['output_index']);
    if (!call) throw new UpstreamError('broken', 'The provider sent arguments of a tool call before its name.');
    // `done` repeats the whole: it counts where no piece came before it.
    if (!isDelta && call.said) return null;
    call.said = true;
    return { type: 'tool-delta', index: call.index, arguments: textOf(body[isDelta ? 'delta' : 'arguments']) };
  };

  return {
    calls: () => calls.size,
    anything: () => anything,
    push(type, body, into) {
      const event = deltaEvent(type, body);
      if (event === null) return;
      anything = true;
      into.push(event);
    },
  };
}

function decodeUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  const inputTokens = countOf(value['input_tokens']);
  const outputTokens = countOf(value['output_tokens']);
  if (inputTokens === null || outputTokens === null) return null;
  const cached = countOf(objectOf(value['input_tokens_details'])['cached_tokens']);
  const written = countOf(objectOf(value['input_tokens_details'])['cache_write_tokens']);
  const reasoning = countOf(objectOf(value['output_tokens_details'])['reasoning_tokens']);
  return {
    inputTokens,
    outputTokens,
    ...(cached ? { cachedInputTokens: cached } : {}),
    ...(written ? { cacheWriteTokens: written } : {}),
    ...(reasoning ? { reasoningTokens: reasoning } : {}),
  };
}
