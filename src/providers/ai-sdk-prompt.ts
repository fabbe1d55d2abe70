import type { ContentPart, Message, ModelRequest } from '../core/model-request.ts';
import { UpstreamError } from '../core/provider.ts';
import { isObject, type JsonObject } from '../wire/read-json.ts';

/**
 * A request in the words of the Vercel AI SDK. The versions of its interface differ in how a file is held: from the fourth on, what it is is said
 * beside it.
 */
export function callOptions(request: ModelRequest, version: string): JsonObject {
  const { maxTokens, temperature, topP, stop, seed, tools, toolChoice, output } = request;
  if (request.oneToolCall && tools && tools.length > 0 && toolChoice !== 'none') throw cannotSay('at most one tool call in an answer');
  return {
    prompt: encodePrompt(request.messages, version),
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(stop && stop.length > 0 ? { stopSequences: stop } : {}),
    ...(seed === undefined ? {} : { seed }),
    ...(tools && tools.length > 0 ? { tools: tools.map(encodeTool), toolChoice: encodeChoice(toolChoice) } : {}),
    ...(output ? { responseFormat: { type: 'json', name: output.name, schema: output.schema } } : {}),
  };
}

export function cannotSay(what: string): UpstreamError {
  const words = `This provider has no words for ${what}`;
  return new UpstreamError('rejected', 'The request cannot be said by the package.', { words });
}

function encodeTool({ name, description, parameters, strict }: NonNullable<ModelRequest['tools']>[number]): JsonObject {
  return {
    type: 'function',
    name,
    ...(description === undefined ? {} : { description }),
    inputSchema: { type: 'object', ...parameters },
    ...(strict === undefined ? {} : { strict }),
  };
}

function encodeChoice(choice: ModelRequest['toolChoice'] = 'auto'): JsonObject {
  return typeof choice === 'object' ? { type: 'tool', toolName: choice.name } : { type: choice };
}

/** What the system says is taken by all at the beginning, and by some nowhere else. */
function encodePrompt(messages: readonly Message[], version: string): JsonObject[] {
  const names = new Map<string, string>();
  const turns: JsonObject[] = [];
  let results: JsonObject[] | null = null;
  for (const message of messages) {
    if (message.role === 'tool') {
      const result = toolResult(message, names);
      if (results) results.push(result);
      else turns.push({ role: 'tool', content: (results = [result]) });
      continue;
    }
    results = null;
    if (message.role === 'user') turns.push({ role: 'user', content: userContent(message.content, version) });
    else if (message.role === 'assistant') turns.push(...assistantTurn(message, names));
  }
  const system = messages.flatMap(systemTexts).map((content) => ({ role: 'system', content }));
  return [...system, ...turns];
}

function systemTexts({ role, content }: Message): readonly string[] {
  if (role !== 'system') return [];
  if (typeof content === 'string') return [content];
  return content.map((part) => {
    if (part.type !== 'text') throw cannotSay('an image in a system message');
    return part.text;
  });
}

function userContent(content: string | readonly ContentPart[], version: string): JsonObject[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.map((part) => (part.type === 'text' ? { type: 'text', text: part.text } : imagePart(part.url, version)));
}

function imagePart(url: string, version: string): JsonObject {
  const isTagged = version !== 'v2' && version !== 'v3';
  const [, type, data] = /^data:([^;,]+)(?:;[^;,]+)*;base64,(.*)$/s.exec(url) ?? [];
  if (type !== undefined && data !== undefined) return { type: 'file', mediaType: type, data: isTagged ? { type: 'data', data } : data };
  if (!/^https?:\/\//i.test(url)) throw cannotSay('an image that is neither at an http address nor in base64');
  const address = new URL(url);
  return { type: 'file', mediaType: 'image/*', data: isTagged ? { type: 'url', url: address } : address };
}

type AssistantMessage = Extract<Message, { role: 'assistant' }>;

/** Some refuse a turn that says nothing, so it is none. */
function assistantTurn({ content, toolCalls = [] }: AssistantMessage, names: Map<string, string>): JsonObject[] {
  const calls = toolCalls.map((call) => {
    names.set(call.id, call.name);
    return { type: 'tool-call', toolCallId: call.id, toolName: call.name, input: toolInput(call) };
  });
  const parts = [...(content === '' ? [] : [{ type: 'text', text: content }]), ...calls];
  return parts.length === 0 ? [] : [{ role: 'assistant', content: parts }];
}

function toolInput({ name, arguments: text }: { readonly name: string; readonly arguments: string }): JsonObject {
  if (text.trim() === '') return {};
  let input: unknown = null;
  try {
    input = JSON.parse(text);
  } catch {
    // A model may have been cut off in the middle of them.
  }
  if (!isObject(input)) throw cannotSay(`a call of the tool ${name} whose arguments are not a JSON object`);
  return input;
}

/** Its tool is named by the call that it answers. */
function toolResult({ toolCallId, content }: Extract<Message, { role: 'tool' }>, names: ReadonlyMap<string, string>): JsonObject {
  const toolName = names.get(toolCallId);
  if (toolName === undefined) throw cannotSay('the result of a tool call that is not in the conversation');
  return { type: 'tool-result', toolCallId, toolName, output: { type: 'text', value: content } };
}
