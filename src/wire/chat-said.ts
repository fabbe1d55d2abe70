import type { Answer, Frame, ModelEvent, Usage } from '../core/events.ts';
import type { JsonObject } from './read-json.ts';

/** Chat completions as we say them to a caller: https://platform.openai.com/docs/api-reference/chat. */
export type ChatHead = { readonly id: string; /** Unix seconds. */ readonly created: number; readonly model: string };

export function chatCompletion(head: ChatHead, answer: Answer, usage: Usage): JsonObject {
  const { text, reasoning, refusal, toolCalls } = answer;
  const message = {
    role: 'assistant',
    content: text === '' && (toolCalls.length > 0 || refusal !== '') ? null : text,
    refusal: refusal === '' ? null : refusal,
    annotations: [],
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length === 0
      ? {}
      : { tool_calls: toolCalls.map((call) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } })) }),
  };
  return {
    ...begun(head, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: answer.finishReason }],
    usage: chatUsage(usage),
  };
}

function begun({ id, created, model }: ChatHead, object: string): JsonObject {
  return { id, object, created, model };
}

function chatUsage(usage: Usage): JsonObject {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens ?? 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens ?? 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

export type ChatChunks = {
  readonly write: (batch: readonly ModelEvent[]) => string;
  readonly done: (usage: Usage) => string;
};

/** The chunks of a stream: the provider's own where it speaks this dialect, ours where it does not. */
export function chatChunks(head: Omit<ChatHead, 'model'>, usageWanted: boolean): ChatChunks {
  let model = '';
  let isFirst = true;
  let isTheirs = false;

  const chunk = (choices: readonly JsonObject[], usage: Usage | null): string => {
    const own = { ...begun({ ...head, model }, 'chat.completion.chunk'), choices, ...(usageWanted ? { usage: usage && chatUsage(usage) } : {}) };
    return `data: ${JSON.stringify(own)}\n\n`;
  };
  const piece = (delta: JsonObject, finishReason: string | null = null): string => {
    const role = isFirst ? { role: 'assistant', content: '', refusal: null } : {};
    isFirst = false;
    return chunk([{ index: 0, delta: { ...role, ...delta }, logprobs: null, finish_reason: finishReason }], null);
  };
  return {
    write(batch) {
      let out = '';
      for (const event of batch) {
        if (event.type === 'frame') {
          isTheirs = true;
          if (usageWanted || !isUsageAlone(event.data)) out += frameText(event);
        } else if (isTheirs) continue;
        else if (event.type === 'start') ({ model } = event);
        else if (event.type === 'end') out += piece({}, event.finishReason);
        else
          out += deltasOf(event)
            .map((delta) => piece(delta))
            .join('');
      }
      return out;
    },
    done: (usage) => (isTheirs ? '' : `${usageWanted ? chunk([], usage) : ''}data: [DONE]\n\n`),
  };
}

function deltasOf(event: Exclude<ModelEvent, Frame | { readonly type: 'start' | 'end' }>): readonly JsonObject[] {
  switch (event.type) {
    case 'text-delta':
      return [{ content: event.text }];
    case 'reasoning-delta':
      return [{ reasoning_content: event.text }];
    case 'refusal-delta':
      return [{ refusal: event.text }];
    case 'tool-start':
      return [{ tool_calls: [{ index: event.index, id: event.id, type: 'function', function: { name: event.name, arguments: '' } }] }];
    case 'tool-delta':
      return [{ tool_calls: [{ index: event.index, function: { arguments: event.arguments } }] }];
    case 'usage':
      return [];
    default:
      event satisfies never;
      return [];
  }
}

/** The chunk that we asked the provider for, to count by. */
function isUsageAlone(data: string): boolean {
  return /"choices"\s*:\s*\[\s*\]/.test(data) && data.includes('"usage"');
}

/** An event as it came. */
function frameText({ event, data }: Frame): string {
  return `${event === null ? '' : `event: ${event}\n`}data: ${data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data}\n\n`;
}
