import type { ContentPart, Message, ModelRequest, Tool } from '../core/model-request.ts';
import { UpstreamError } from '../core/provider.ts';
import { formatSchema } from './anthropic-schema.ts';
import type { MessagesTraits } from './anthropic-traits.ts';
import { isObject, type JsonObject } from './read-json.ts';

/** A request of the Messages API, as we ask an upstream with it: https://docs.anthropic.com/en/api/messages. */
export type MessagesRequest = {
  readonly body: JsonObject;
  /** The tool whose input is the answer, where it is asked for so. */
  readonly answerTool: string | null;
};

export function encodeMessages(request: ModelRequest, traits: MessagesTraits): MessagesRequest {
  const form = answerForm(request, traits);
  const system = [...request.messages.flatMap(systemTexts), ...form.words].join('\n\n');
  const tools = [...(request.tools ?? []).map(encodeTool), ...form.tools];
  const choice = form.choice ?? encodeChoice(request);
  const body = {
    model: request.model,
    max_tokens: request.maxTokens ?? traits.outputTokensMax,
    messages: encodeTurns(request.messages),
    ...(system === '' ? {} : { system }),
    ...encodeSampling(request, traits),
    ...(request.stop && request.stop.length > 0 ? { stop_sequences: request.stop } : {}),
    ...(tools.length > 0 ? { tools } : {}),
    ...(tools.length > 0 && choice ? { tool_choice: choice } : {}),
    ...(form.config ? { output_config: form.config } : {}),
    ...(request.stream ? { stream: true } : {}),
  };
  return { body, answerTool: form.answerTool };
}

/** Anthropic's temperatures end at 1. Where only one of the two numbers is taken, it is the one that changes something, and of both temperature. */
function encodeSampling({ temperature, topP }: ModelRequest, { sampling }: MessagesTraits): JsonObject {
  const told = {
    ...(temperature === undefined ? {} : { temperature: Math.min(1, temperature) }),
    ...(topP === undefined ? {} : { top_p: topP }),
  };
  if (sampling === 'none') return {};
  if (sampling === 'both' || temperature === undefined || topP === undefined) return told;
  return temperature >= 1 ? { top_p: topP } : { temperature };
}

type AnswerForm = {
  readonly config?: JsonObject;
  readonly tools: readonly JsonObject[];
  readonly choice?: JsonObject;
  readonly words: readonly string[];
  readonly answerTool: string | null;
};

const PLAIN: AnswerForm = { tools: [], words: [], answerTool: null };

/**
 * JSON of a form has two ways, and neither works for all models: the newest refuse a tool that they must call, the older ones and other vendors'
 * do not know `output_config`, which does not take every schema either. So it is `output_config` where model and schema allow it, and a tool
 * whose input is the answer everywhere else; a model that cannot be made to call it is told to.
 */
function answerForm({ output, tools = [], toolChoice }: ModelRequest, traits: MessagesTraits): AnswerForm {
  if (!output) return PLAIN;
  const schema = traits.jsonFormat ? formatSchema(output.schema) : null;
  if (schema) return { ...PLAIN, config: { format: { type: 'json_schema', schema } } };
  if (typeof toolChoice === 'object' || toolChoice === 'required') return PLAIN;
  if ((output.schema['type'] ?? 'object') !== 'object') throw cannotSay('a JSON schema whose answers are not objects');
  let name = 'json_answer';
  while (tools.some((tool) => tool.name === name)) name += '_';
  const isAlone = tools.length === 0 || toolChoice === 'none';
  const forced = isAlone ? { type: 'tool', name, disable_parallel_tool_use: true } : { type: 'any' };
  return {
    tools: [{ name, description: 'Gives the answer.', input_schema: { ...output.schema, type: 'object' } }],
    choice: traits.forcedTools ? forced : { type: 'auto' },
    words: [`Give your answer by calling the tool ${name}, without any words besides.`],
    answerTool: name,
  };
}

function encodeTool({ name, description, parameters }: Tool): JsonObject {
  return { name, ...(description === undefined ? {} : { description }), input_schema: { type: 'object', ...parameters } };
}

function encodeChoice({ toolChoice, oneToolCall }: ModelRequest): JsonObject | null {
  if (toolChoice === undefined && !oneToolCall) return null;
  if (toolChoice === 'none') return { type: 'none' };
  const alone = oneToolCall ? { disable_parallel_tool_use: true } : {};
  if (typeof toolChoice === 'object') return { type: 'tool', name: toolChoice.name, ...alone };
  return { type: toolChoice === 'required' ? 'any' : 'auto', ...alone };
}

/** There is one place for them, above the conversation. */
function systemTexts(message: Message): readonly string[] {
  if (message.role !== 'system') return [];
  if (typeof message.content === 'string') return [message.content];
  return message.content.map((part) => {
    if (part.type !== 'text') throw cannotSay('an image in a system message');
    return part.text;
  });
}

/** The results of several tools are one turn, since they answer one turn of the model. */
function encodeTurns(messages: readonly Message[]): JsonObject[] {
  const turns: JsonObject[] = [];
  let results: JsonObject[] | null = null;
  for (const message of messages) {
    if (message.role === 'tool') {
      const result = { type: 'tool_result', tool_use_id: toolId(message.toolCallId), content: message.content };
      if (results) results.push(result);
      else turns.push({ role: 'user', content: (results = [result]) });
      continue;
    }
    results = null;
    if (message.role === 'user') turns.push({ role: 'user', content: typeof message.content === 'string' ? message.content : message.content.map(encodePart) });
    else if (message.role === 'assistant') turns.push(...assistantTurn(message));
  }
  return turns;
}

/** Blocks of no text are refused, so a turn that says nothing is none. */
function assistantTurn({ content, toolCalls = [] }: Extract<Message, { role: 'assistant' }>): JsonObject[] {
  if (toolCalls.length === 0) return content === '' ? [] : [{ role: 'assistant', content }];
  const text = content === '' ? [] : [{ type: 'text', text: content }];
  const calls = toolCalls.map((call) => ({ type: 'tool_use', id: toolId(call.id), name: call.name, input: toolInput(call) }));
  return [{ role: 'assistant', content: [...text, ...calls] }];
}

/** Letters, digits, `_` and `-`; other vendors' ids have more. */
function toolId(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9_-]/g, '_');
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

function encodePart(part: ContentPart): JsonObject {
  return part.type === 'text' ? { type: 'text', text: part.text } : { type: 'image', source: imageSource(part.url) };
}

function imageSource(url: string): JsonObject {
  const [, type, data] = /^data:([^;,]+)(?:;[^;,]+)*;base64,(.*)$/s.exec(url) ?? [];
  if (type !== undefined && data !== undefined) return { type: 'base64', media_type: type, data };
  if (!/^https?:\/\//i.test(url)) throw cannotSay('an image that is neither at an http address nor in base64');
  return { type: 'url', url };
}

function cannotSay(what: string): UpstreamError {
  const words = `The Messages API has no words for ${what}`;
  return new UpstreamError('rejected', 'The request cannot be said in the Messages API.', { words });
}
