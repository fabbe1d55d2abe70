/**
 * What a model says, in the order it says it. Every codec decodes to this union and encodes from it, so N providers and M surfaces
 * cost N + M codecs. Only an explicit `end` from upstream becomes an `end` here: a stream that merely stops has none.
 */
export type ModelEvent =
  | { readonly type: 'start'; readonly model: string; readonly id?: string }
  | { readonly type: 'text-delta'; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly text: string }
  | { readonly type: 'refusal-delta'; readonly text: string }
  | { readonly type: 'tool-start'; readonly index: number; readonly id: string; readonly name: string }
  | { readonly type: 'tool-delta'; readonly index: number; readonly arguments: string }
  | {
      readonly type: 'usage';
      readonly usage: Usage;
      /** Said before the answer: what it says of the input counts where the answer breaks off. */
      readonly begun?: true;
    }
  | Frame
  | { readonly type: 'end'; readonly finishReason: FinishReason };

/**
 * The provider's own words, where it was asked in the caller's: one event of its stream, or its whole answer. The events behind it say the same
 * in ours, for counting; whoever speaks the dialect passes the words on.
 */
export type Frame = { readonly type: 'frame'; readonly event: string | null; readonly data: string };

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/** As OpenAI counts: a codec adds up what another vendor counts apart. */
export type Usage = {
  /** All of the input, with what was read from the provider's cache and what was written into it. */
  readonly inputTokens: number;
  /** All of the output, with the reasoning. */
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  /** What was written into the provider's cache, and the part of it that stays for an hour or longer. */
  readonly cacheWriteTokens?: number;
  readonly longCacheWriteTokens?: number;
  readonly reasoningTokens?: number;
  /** Counted by us, because the provider gave none. */
  readonly estimated?: boolean;
};

/** Events that arrived together: one network read is one batch, so that a fast stream costs one wake-up a read, not one a token. */
export type EventBatches = AsyncIterable<readonly ModelEvent[]>;

export type ToolCall = { readonly id: string; readonly name: string; readonly arguments: string };

/** A whole answer: the fold of its events. */
export type Answer = {
  readonly model: string;
  readonly text: string;
  readonly reasoning: string;
  readonly refusal: string;
  readonly toolCalls: readonly ToolCall[];
  readonly usage: Usage | null;
  readonly finishReason: FinishReason;
};

export type AnswerFold = {
  add(event: ModelEvent): void;
  /** Null while no `end` was seen. */
  answer(): Answer | null;
  /** What came so far, ended or not. */
  text(): string;
  /** All that a provider counts as output, as far as it came. */
  produced(): string;
  usage(): Usage | null;
  /** What was said of the input before the answer. */
  begun(): Usage | null;
};

/** Most answers call no tool. */
const NO_CALLS: readonly ToolCall[] = [];

export function foldAnswer(): AnswerFold {
  let model = '';
  let text = '';
  let reasoning = '';
  let refusal = '';
  const usages: { begun: Usage | null; whole: Usage | null } = { begun: null, whole: null };
  let finishReason: FinishReason | null = null;
  const tools = new Map<number, { id: string; name: string; arguments: string }>();

  return {
    add(event) {
      if (event.type === 'frame') return;
      switch (event.type) {
        case 'start':
          model = event.model;
          return;
        case 'text-delta':
          text += event.text;
          return;
        case 'reasoning-delta':
          reasoning += event.text;
          return;
        case 'refusal-delta':
          refusal += event.text;
          return;
        case 'tool-start':
          tools.set(event.index, { id: event.id, name: event.name, arguments: '' });
          return;
        case 'tool-delta':
          addArguments(tools.get(event.index), event.arguments);
          return;
        case 'usage':
          usages[event.begun ? 'begun' : 'whole'] = event.usage;
          return;
        case 'end':
          finishReason = event.finishReason;
          return;
        default:
          event satisfies never;
      }
    },
    answer() {
      if (finishReason === null) return null;
      return { model, text, reasoning, refusal, toolCalls: tools.size === 0 ? NO_CALLS : [...tools.values()], usage: usages.whole, finishReason };
    },
    text: () => text,
    produced: () => [reasoning, text, refusal, ...[...tools.values()].map((tool) => tool.name + tool.arguments)].join(''),
    usage: () => usages.whole,
    begun: () => usages.begun,
  };
}

function addArguments(tool: { arguments: string } | undefined, more: string): void {
  if (tool) tool.arguments += more;
}

/** The events that say a whole answer at once: how a cached answer is streamed. */
export function answerEvents(answer: Answer): ModelEvent[] {
  const events: ModelEvent[] = [{ type: 'start', model: answer.model }];
  if (answer.reasoning) events.push({ type: 'reasoning-delta', text: answer.reasoning });
  if (answer.text) events.push({ type: 'text-delta', text: answer.text });
  if (answer.refusal) events.push({ type: 'refusal-delta', text: answer.refusal });
  for (const [index, tool] of answer.toolCalls.entries()) {
    events.push({ type: 'tool-start', index, id: tool.id, name: tool.name });
    events.push({ type: 'tool-delta', index, arguments: tool.arguments });
  }
  if (answer.usage) events.push({ type: 'usage', usage: answer.usage });
  events.push({ type: 'end', finishReason: answer.finishReason });
  return events;
}
