import type { FinishReason, ModelEvent, Usage } from '../core/events.ts';
import { UpstreamError } from '../core/provider.ts';
import { countOf, type JsonObject, listOf, objectOf, textOf } from '../wire/read-json.ts';
import { errorSaid } from './ai-sdk-fault.ts';
import { cannotSay } from './ai-sdk-prompt.ts';

/**
 * What a language model of the Vercel AI SDK says, in the second to fourth version of its interface, which differ in how they count and in how they
 * say why an answer ended. Read as what comes from outside: only what is needed, and forgiving.
 */
export type PartReader = {
  /** A part of a stream. Throws what an `error` part holds. */
  readonly read: (part: unknown) => readonly ModelEvent[];
  /** Whether the end was said. */
  readonly ended: () => boolean;
};

export function partReader(model: string): PartReader {
  const tools = toolReader();
  let isStarted = false;
  let hasEnded = false;

  const started = (part: unknown): ModelEvent[] => {
    if (isStarted) return [];
    isStarted = true;
    const { id, modelId } = objectOf(part);
    return [{ type: 'start', model: textOf(modelId) || model, ...(textOf(id) === '' ? {} : { id: textOf(id) }) }];
  };

  const content = (part: JsonObject): ModelEvent[] => {
    const { type, delta } = part;
    if (type === 'text-delta' || type === 'reasoning-delta') return textOf(delta) === '' ? [] : [{ type, text: textOf(delta) }];
    if (type !== 'finish') return tools(part);
    const end = finishReasonOf(part['finishReason']);
    // Packages end every stream with this part: one that was cut off has no reason.
    if (end === null) throw new UpstreamError('broken', 'The stream stopped before its end.');
    hasEnded = true;
    return [...usageEvents(part['usage']), { type: 'end', finishReason: end }];
  };

  return {
    ended: () => hasEnded,
    read(given) {
      const part = objectOf(given);
      if (hasEnded) return [];
      if (part['type'] === 'error') throw errorSaid(part['error']);
      if (part['type'] === 'stream-start') return leftOut(part['warnings']);
      if (part['type'] === 'response-metadata') return started(part);
      const events = content(part);
      return events.length === 0 ? [] : [...started(null), ...events];
    },
  };
}

/** Calls of tools, numbered 0, 1, … in the order in which they begin. What the provider runs by itself is nothing to the caller. */
function toolReader(): (part: JsonObject) => ModelEvent[] {
  const calls = new Map<string, { readonly index: number; said: boolean }>();

  const called = (id: string, name: string): ModelEvent[] => {
    const index = calls.size;
    calls.set(id, { index, said: false });
    return [{ type: 'tool-start', index, id, name }];
  };

  const sayInput = (id: string, text: string): ModelEvent[] => {
    const tool = calls.get(id);
    if (tool === undefined || text === '') return [];
    tool.said = true;
    return [{ type: 'tool-delta', index: tool.index, arguments: text }];
  };

  return ({ type, id, toolCallId, toolName, delta, input, providerExecuted }) => {
    if (providerExecuted === true) return [];
    if (type === 'tool-input-start') return called(textOf(id), textOf(toolName));
    if (type === 'tool-input-delta') return sayInput(textOf(id), textOf(delta));
    // All else is nothing to us, or newer than we are.
    if (type !== 'tool-call') return [];
    const call = textOf(toolCallId);
    const start = calls.has(call) ? [] : called(call, textOf(toolName));
    // Said in pieces before, or at once now.
    return calls.get(call)?.said === true ? start : [...start, ...sayInput(call, inputText(input))];
  };
}

/** The events of a whole answer. */
export function wholeAnswer(answer: unknown, model: string): readonly ModelEvent[] {
  const { content, response, finishReason, usage, warnings } = objectOf(answer);
  const reader = partReader(model);
  const events = [...leftOut(warnings), ...reader.read({ ...objectOf(response), type: 'response-metadata' })];
  let calls = 0;
  for (const part of listOf(content).map(objectOf)) {
    const { type, text } = part;
    const said = reader.read(type === 'text' || type === 'reasoning' ? { type: `${type}-delta`, delta: text } : part);
    calls += said.filter((event) => event.type === 'tool-start').length;
    events.push(...said);
  }
  // A whole body is over by itself, so that a server which forgets to say why has still ended.
  const end = finishReasonOf(finishReason) ?? (calls > 0 ? 'tool_calls' : 'stop');
  return [...events, ...usageEvents(usage), { type: 'end', finishReason: end }];
}

/** What an answer is not what was asked for without; all else that a package leaves out is a wish. */
const NEEDED: Readonly<Record<string, string>> = { responseFormat: 'this form of an answer', tools: 'these tools', toolChoice: 'this choice of tools' };

/** Packages ask without what they have no words for, and say so only then. Throws for what must not be left out. */
function leftOut(warnings: unknown): readonly ModelEvent[] {
  for (const { type, feature, setting, details } of listOf(warnings).map(objectOf)) {
    const what = type === 'unsupported-tool' ? NEEDED['tools'] : NEEDED[textOf(feature ?? setting)];
    if (textOf(type).startsWith('unsupported') && what !== undefined) throw cannotSay(textOf(details) === '' ? what : `${what}: ${textOf(details)}`);
  }
  return [];
}

function inputText(input: unknown): string {
  if (typeof input === 'string') return input === '' ? '{}' : input;
  return JSON.stringify(input ?? {});
}

/** A word in the second version; in the later ones with the provider's own word behind it. Null where nobody has said why. */
function finishReasonOf(value: unknown): FinishReason | null {
  const isWord = typeof value === 'string';
  const word = isWord ? value : textOf(objectOf(value)['unified']);
  const raw = textOf(objectOf(value)['raw']);
  switch (word) {
    case 'stop':
    case 'length':
      return word;
    case 'tool-calls':
      return 'tool_calls';
    case 'content-filter':
      return 'content_filter';
    case 'error':
      throw new UpstreamError('failed', 'The provider ended the answer with an error.', { words: raw });
    case 'other':
      return isWord || raw !== '' ? 'stop' : null;
    default:
      return null;
  }
}

function usageEvents(value: unknown): ModelEvent[] {
  const usage = usageOf(value);
  return usage === null ? [] : [{ type: 'usage', usage }];
}

function usageOf(value: unknown): Usage | null {
  const { inputTokens: input, outputTokens: output, cachedInputTokens, reasoningTokens } = objectOf(value);
  const [inputs, outputs] = [objectOf(input), objectOf(output)];
  const inputTokens = countOf(input) ?? countOf(inputs['total']);
  const outputTokens = countOf(output) ?? countOf(outputs['total']);
  if (inputTokens === null || outputTokens === null) return null;
  const cached = countOf(cachedInputTokens ?? inputs['cacheRead']);
  const written = countOf(inputs['cacheWrite']);
  const reasoning = countOf(reasoningTokens ?? outputs['reasoning']);
  return {
    inputTokens,
    outputTokens,
    ...(cached ? { cachedInputTokens: cached } : {}),
    ...(written ? { cacheWriteTokens: written } : {}),
    ...(reasoning ? { reasoningTokens: reasoning } : {}),
  };
}
