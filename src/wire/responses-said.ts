import type { ResponsesBody, ResponseTool } from '../contract/responses.ts';
import { type Answer, answerEvents, type FinishReason, type Frame, type ModelEvent, type Usage } from '../core/events.ts';
import { isObject, type JsonObject, parseObject } from './read-json.ts';
import { saidItems } from './responses-said-items.ts';

/** Responses as we say them to a caller: https://platform.openai.com/docs/api-reference/responses. */
export type ResponseHead = {
  readonly id: string;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly model: string;
  readonly body: ResponsesBody;
};

/** What is ours in the words of a provider: ids under which we store, and what we did with the body before it went out. */
type Ours = JsonObject;

/** An error in OpenAI's words. */
export type OpenaiError = { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string | null };

/** A response that has said nothing yet. */
export function begunResponse({ id, createdAt, model, body }: ResponseHead, status: 'queued' | 'in_progress'): JsonObject {
  const given = (field: string, otherwise: unknown): unknown => body[field] ?? otherwise;
  return {
    id,
    object: 'response',
    created_at: createdAt,
    completed_at: null,
    status,
    background: body.background ?? false,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: given('max_tool_calls', null),
    model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    presence_penalty: given('presence_penalty', 0),
    frequency_penalty: given('frequency_penalty', 0),
    previous_response_id: body.previous_response_id ?? null,
    prompt_cache_key: given('prompt_cache_key', null),
    reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.['summary'] ?? null },
    safety_identifier: given('safety_identifier', null),
    service_tier: 'default',
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: { ...body.text, format: formatOf(body) },
    tool_choice: body.tool_choice ?? 'auto',
    tools: (body.tools ?? []).map(toolOf),
    top_logprobs: given('top_logprobs', 0),
    top_p: body.top_p ?? 1,
    truncation: given('truncation', 'disabled'),
    usage: null,
    user: given('user', null),
    metadata: given('metadata', {}),
  };
}

function formatOf({ text }: ResponsesBody): JsonObject {
  const format = text?.format;
  if (!format) return { type: 'text' };
  return format.type === 'json_schema' ? { description: null, ...format, strict: format.strict ?? false } : format;
}

function toolOf(tool: ResponseTool): JsonObject {
  if (tool.type !== 'function') return tool;
  return { ...tool, description: tool.description ?? null, parameters: tool.parameters ?? null, strict: tool.strict ?? null };
}

type Ending = { readonly output: readonly JsonObject[]; readonly finishReason: FinishReason; readonly usage: Usage; readonly nowSeconds: number };

function endedResponse(begun: JsonObject, { output, finishReason, usage, nowSeconds }: Ending): JsonObject {
  const isWhole = isWholeAnswer(finishReason);
  return {
    ...begun,
    status: isWhole ? 'completed' : 'incomplete',
    completed_at: isWhole ? nowSeconds : null,
    incomplete_details: isWhole ? null : { reason: finishReason === 'length' ? 'max_output_tokens' : 'content_filter' },
    output,
    usage: usageOf(usage),
  };
}

function isWholeAnswer(finishReason: FinishReason): boolean {
  return finishReason === 'stop' || finishReason === 'tool_calls';
}

function usageOf(usage: Usage): JsonObject {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens ?? 0, cache_write_tokens: usage.cacheWriteTokens ?? 0 },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens ?? 0 },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

/** A response that broke off, after what it said. */
export function failedResponse(begun: JsonObject, error: OpenaiError): JsonObject {
  return { ...begun, status: 'failed', completed_at: null, error: { code: failureWord(error.type), message: error.message } };
}

/** The vendor has a list of its own for these. */
function failureWord(type: string): string {
  if (type === 'rate_limit_error') return 'rate_limit_exceeded';
  return type === 'invalid_request_error' ? 'invalid_prompt' : 'server_error';
}

/** How a response that did not come to its end ends in a stream: no client can take that for a whole one, and OpenAI's own throw. */
function brokenEvents(response: JsonObject, error: OpenaiError, from: number): string {
  const { message, param, code } = error;
  return (
    eventText('response.failed', { type: 'response.failed', sequence_number: from, response }) +
    eventText('error', { type: 'error', sequence_number: from + 1, code, message, param, error })
  );
}

export type SaidResponse = {
  /** The events of a batch. The last one of the response is held back until it is `done`. */
  readonly write: (batch: readonly ModelEvent[]) => string;
  /** The whole response, once all that was said was written. */
  readonly finish: (usage: Usage) => JsonObject;
  /** The last event, with what `finish` answered or what was made of it. */
  readonly done: (response: JsonObject) => string;
  readonly failed: (error: OpenaiError) => { readonly response: JsonObject; readonly text: string };
};

export type Saying = { readonly head: ResponseHead; readonly ours: Ours | null; readonly newId: (prefix: string) => string; readonly nowSeconds: () => number };

/** What a model says as a response: in the provider's own words where it speaks this dialect, in ours where it does not. */
export function saidResponse(saying: Saying): SaidResponse {
  const own = ownWords(saying);
  const theirs = theirWords(saying.ours);
  let isTheirs = false;
  const words = (): typeof own | typeof theirs => (isTheirs ? theirs : own);
  return {
    write(batch) {
      let out = '';
      for (const event of batch) {
        if (event.type === 'frame') {
          isTheirs = true;
          out += theirs.write(event);
        } else if (!isTheirs) out += own.write(event);
      }
      return out;
    },
    finish: (usage) => words().finish(usage),
    done: (response) => words().done(response),
    failed: (error) => words().failed(error),
  };
}

type Words<Said> = Omit<SaidResponse, 'write'> & { readonly write: (said: Said) => string };

function ownWords({ head, newId, nowSeconds }: Saying): Words<Exclude<ModelEvent, Frame>> {
  const items = saidItems(newId);
  let begun: JsonObject | null = null;
  let finishReason: FinishReason = 'stop';
  let number = 0;
  let out = '';
  const emit = (type: string, fields: JsonObject): void => {
    out += eventText(type, { type, sequence_number: number++, ...fields });
  };
  const taken = (): string => {
    const text = out;
    out = '';
    return text;
  };
  const begin = (model: string): JsonObject => {
    const response = begunResponse({ ...head, model }, 'in_progress');
    emit('response.created', { response });
    emit('response.in_progress', { response });
    return response;
  };

  return {
    write(event) {
      begun ??= begin(event.type === 'start' ? event.model : head.model);
      if (event.type === 'end') ({ finishReason } = event);
      else items.add(event, emit);
      return taken();
    },
    finish(usage) {
      begun ??= begin(head.model);
      const output = items.end(isWholeAnswer(finishReason) ? 'completed' : 'incomplete', emit);
      return endedResponse(begun, { output, finishReason, usage, nowSeconds: nowSeconds() });
    },
    done(response) {
      emit(`response.${String(response['status'])}`, { response });
      return taken();
    },
    failed(error) {
      begun ??= begin(head.model);
      const before = taken();
      const response = failedResponse({ ...begun, output: items.end('incomplete', () => undefined) }, error);
      return { response, text: before + brokenEvents(response, error, number) };
    },
  };
}

/** Events that hold the response itself. */
const WITH_RESPONSE = /^response\.(created|queued|in_progress|completed|incomplete|failed)$/;
const LAST = /^response\.(completed|incomplete)$/;

function theirWords(ours: Ours | null): Words<Frame> {
  let first: string | null = null;
  let last: { readonly frame: Frame; readonly response: JsonObject } | null = null;
  let number = 0;

  const restored = (data: string): JsonObject => {
    const told = parseObject(data);
    // A whole answer is the response itself.
    const response = isObject(told['response']) ? told['response'] : told;
    return ours === null ? response : { ...response, ...ours };
  };
  return {
    write(frame) {
      const type = typeOf(frame);
      // An error in the form of another dialect, or `[DONE]`, which belongs to none.
      if (type === null) return '';
      number++;
      first ??= frame.data;
      if (LAST.test(type)) {
        last = { frame, response: restored(frame.data) };
        return '';
      }
      return ours !== null && WITH_RESPONSE.test(type) ? withResponse(frame, restored(frame.data)) : frameText(frame);
    },
    finish: () => last?.response ?? {},
    done(response) {
      if (last === null) return '';
      const { frame } = last;
      return ours === null && response === last.response ? frameText(frame) : withResponse(frame, response);
    },
    failed(error) {
      const response = failedResponse(first === null ? {} : restored(first), error);
      return { response, text: brokenEvents(response, error, number) };
    },
  };
}

/** Null where it is no event of a response. */
function typeOf({ event, data }: Frame): string | null {
  if (event !== null) return event;
  if (data === '[DONE]') return null;
  const { type } = parseObject(data);
  return typeof type === 'string' ? type : null;
}

function withResponse(frame: Frame, response: JsonObject): string {
  return frameText({ ...frame, data: JSON.stringify({ ...parseObject(frame.data), response }) });
}

type Whole = { readonly answer: Answer; /** The provider's own. */ readonly words: string | null };

/** A whole response: in the provider's words, with what is ours in them, or in ours. */
export function wholeResponse(saying: Saying, { answer, words }: Whole, usage: Usage): JsonObject {
  if (words !== null) return { ...parseObject(words), ...saying.ours };
  const said = saidResponse(saying);
  said.write(answerEvents(answer));
  return said.finish(usage);
}

function eventText(type: string, data: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** An event as it came. */
function frameText({ event, data }: Frame): string {
  return `${event === null ? '' : `event: ${event}\n`}data: ${data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data}\n\n`;
}
