import { AppError } from '../contract/errors.ts';
import type { Answer, FinishReason, ToolCall, Usage } from '../core/events.ts';
import { isObject, type JsonObject } from './read-json.ts';

/** Messages as we say them to a caller: https://platform.claude.com/docs/en/api/messages. */
export type MessageHead = { readonly id: string; readonly model: string };

export function message(head: MessageHead, answer: Answer, usage: Usage): JsonObject {
  return { ...opened(head), content: blocksOf(answer), ...stopped(answer.finishReason, answer.refusal !== ''), usage: messageUsage(usage) };
}

/** A message before it has said anything. The SDKs' `beta` client reads members that the plain one passes over. */
export function opened({ id, model }: MessageHead): JsonObject {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    context_management: null,
    diagnostics: null,
  };
}

function blocksOf({ reasoning, text, refusal, toolCalls, finishReason }: Answer): readonly JsonObject[] {
  const blocks: JsonObject[] = [];
  if (reasoning !== '') blocks.push(thinkingBlock(reasoning));
  if (text + refusal !== '') blocks.push(textBlock(text + refusal));
  for (const call of toolCalls) {
    const input = parsedInput(call);
    if (input !== null) blocks.push(toolBlock(call, input));
    // What the longest length cut off inside of a call is none.
    else if (finishReason !== 'length') throw unreadable(call);
  }
  return blocks;
}

/** A signature is the thinker's own, and not for us to make. */
export function thinkingBlock(thinking: string): JsonObject {
  return { type: 'thinking', thinking, signature: '' };
}

/** `citations: null` would fit as well, and breaks @ai-sdk/anthropic. */
export function textBlock(text: string): JsonObject {
  return { type: 'text', text, citations: [] };
}

export function toolBlock({ id, name }: Pick<ToolCall, 'id' | 'name'>, input: JsonObject): JsonObject {
  return { type: 'tool_use', id, name, input, caller: { type: 'direct' } };
}

/** Null for what is no object: a half of one, or words in its place. */
function parsedInput({ arguments: given }: ToolCall): JsonObject | null {
  if (given.trim() === '') return {};
  try {
    const input: unknown = JSON.parse(given);
    return isObject(input) ? input : null;
  } catch {
    return null;
  }
}

function unreadable({ name }: ToolCall): AppError {
  return new AppError('INTERNAL_ERROR', { message: `The model called the tool ${name.slice(0, 100)} with arguments that are not a JSON object.` });
}

const STOP_REASONS: Readonly<Record<FinishReason, string>> = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' };

/** Why, and where to go instead, only Anthropic says. */
const REFUSED = {
  type: 'refusal',
  category: null,
  explanation: null,
  recommended_model: null,
  fallback_credit_token: null,
  fallback_has_prefill_claim: null,
};

/** Which of the stop sequences ended an answer, other providers do not say: it is the end of a turn. */
export function stopped(finishReason: FinishReason, refused: boolean): JsonObject {
  const reason = refused ? 'refusal' : STOP_REASONS[finishReason];
  return {
    stop_reason: reason,
    stop_sequence: null,
    stop_details: reason === 'refusal' ? REFUSED : null,
    container: null,
  };
}

export function messageUsage(usage: Usage): JsonObject {
  const written = usage.cacheWriteTokens ?? 0;
  const long = usage.longCacheWriteTokens ?? 0;
  return {
    ...usageSoFar(usage),
    cache_creation: { ephemeral_5m_input_tokens: written - long, ephemeral_1h_input_tokens: long },
    service_tier: null,
    inference_geo: null,
    speed: null,
  };
}

/** As the end of a stream says it. The cache is counted apart from the input here, and within it among us. */
export function usageSoFar(usage: Usage): JsonObject {
  const read = usage.cachedInputTokens ?? 0;
  const written = usage.cacheWriteTokens ?? 0;
  return {
    input_tokens: Math.max(0, usage.inputTokens - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    output_tokens: usage.outputTokens,
    output_tokens_details: { thinking_tokens: usage.reasoningTokens ?? 0 },
    server_tool_use: null,
    fallback_credit: null,
    iterations: null,
  };
}
