import type { Answer, ModelEvent, Usage } from '../core/events.ts';
import type { JsonObject } from './read-json.ts';

/** Completions as we say them to a caller: https://platform.openai.com/docs/api-reference/completions. */
export type CompletionHead = { readonly id: string; /** Unix seconds. */ readonly created: number };

export function completion(head: CompletionHead, answer: Answer, usage: Usage): JsonObject {
  return { ...begun(head, answer.model), choices: [choice(answer.text + answer.refusal, answer.finishReason)], usage: usageSaid(usage) };
}

function begun({ id, created }: CompletionHead, model: string): JsonObject {
  return { id, object: 'text_completion', created, model };
}

function choice(text: string, finishReason: string | null): JsonObject {
  return { text, index: 0, logprobs: null, finish_reason: finishReason };
}

function usageSaid({ inputTokens, outputTokens }: Usage): JsonObject {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
}

export type CompletionChunks = {
  readonly write: (batch: readonly ModelEvent[]) => string;
  readonly done: (usage: Usage) => string;
};

export function completionChunks(head: CompletionHead, usageWanted: boolean): CompletionChunks {
  let model = '';
  const chunk = (choices: readonly JsonObject[], usage: Usage | null): string =>
    `data: ${JSON.stringify({ ...begun(head, model), choices, ...(usageWanted ? { usage: usage && usageSaid(usage) } : {}) })}\n\n`;
  const said = (event: ModelEvent): string => {
    switch (event.type) {
      case 'start':
        model = event.model;
        return '';
      case 'text-delta':
      case 'refusal-delta':
        return chunk([choice(event.text, null)], null);
      case 'end':
        return chunk([choice('', event.finishReason)], null);
      default:
        return '';
    }
  };
  return {
    write: (batch) => batch.map(said).join(''),
    done: (usage) => `${usageWanted ? chunk([], usage) : ''}data: [DONE]\n\n`,
  };
}
