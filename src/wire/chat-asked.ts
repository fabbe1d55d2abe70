import type { ChatBody, ChatMessage, ChatTool } from '../contract/chat.ts';
import type { ContentPart, Message, ModelRequest, Tool } from '../core/model-request.ts';
import { isObject } from './read-json.ts';

/** What a chat completion asks for, in our words, and the fields for which we have none. */
export type AskedChat = {
  readonly model: string | undefined;
  readonly request: Omit<ModelRequest, 'model' | 'given'>;
  readonly untold: readonly string[];
  /** Whether the caller wants to read of usage at the end of its stream. */
  readonly usageWanted: boolean;
};

/** Fields that change the answer and have no words outside of this dialect, unless they say what is so anyway. */
const UNTOLD: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value !== 1,
  logprobs: (value) => value === true,
  top_logprobs: (value) => value !== 0,
  logit_bias: (value) => isObject(value) && Object.keys(value).length > 0,
  presence_penalty: (value) => value !== 0,
  frequency_penalty: (value) => value !== 0,
  reasoning_effort: () => true,
  verbosity: () => true,
  modalities: (value) => JSON.stringify(value) !== '["text"]',
  audio: () => true,
  web_search_options: () => true,
  functions: () => true,
  function_call: () => true,
  top_k: () => true,
  min_p: () => true,
};

export function readChat(body: ChatBody): AskedChat {
  const untold: string[] = [];
  for (const [field, changes] of Object.entries(UNTOLD)) {
    const value = body[field];
    if (value !== undefined && value !== null && changes(value)) untold.push(field);
  }
  const messages = body.messages.flatMap((message, index) => readMessage(message, `messages[${index}]`, untold));
  const tools = (body.tools ?? []).flatMap((tool, index) => readTool(tool, `tools[${index}]`, untold));
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined;
  const stop = typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []);
  const toolChoice = tools.length === 0 ? undefined : readToolChoice(body, untold);
  const output = readOutput(body);
  const request: AskedChat['request'] = {
    messages,
    stream: body.stream === true,
    dialect: 'openai-chat',
    ...(body.temperature === undefined || body.temperature === null ? {} : { temperature: body.temperature }),
    ...(body.top_p === undefined || body.top_p === null ? {} : { topP: body.top_p }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(stop.length === 0 ? {} : { stop }),
    ...(body.seed === undefined || body.seed === null ? {} : { seed: body.seed }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(tools.length > 0 && body.parallel_tool_calls === false ? { oneToolCall: true } : {}),
    ...(output === undefined ? {} : { output }),
    ...(body.n === undefined || body.n === null || body.n === 1 ? {} : { answers: body.n }),
  };
  return { model: body.model, request, untold, usageWanted: body.stream_options?.include_usage === true };
}

function readMessage(message: ChatMessage, path: string, untold: string[]): readonly Message[] {
  const { role } = message;
  const content = readContent(message.content, `${path}.content`, untold);
  switch (role) {
    case 'system':
    case 'developer':
      return [{ role: 'system', content }];
    case 'user':
      return [{ role: 'user', content }];
    case 'tool':
      return [{ role: 'tool', toolCallId: message.tool_call_id ?? '', content: textOnly(content, `${path}.content`, untold) }];
    case 'function':
      untold.push(path);
      return [];
    case 'assistant': {
      const toolCalls = (message.tool_calls ?? []).flatMap((call, index) => {
        if (call.function) return [{ id: call.id, name: call.function.name, arguments: call.function.arguments }];
        untold.push(`${path}.tool_calls[${index}]`);
        return [];
      });
      const text = textOnly(content, `${path}.content`, untold) || (message.refusal ?? '');
      return [{ role: 'assistant', content: text, ...(toolCalls.length === 0 ? {} : { toolCalls }) }];
    }
    default:
      role satisfies never;
      return [];
  }
}

function readContent(content: ChatMessage['content'], path: string, untold: string[]): string | readonly ContentPart[] {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  return content.flatMap((part, index): ContentPart[] => {
    if (part.type === 'text' && 'text' in part) return [{ type: 'text', text: String(part['text']) }];
    if (part.type === 'refusal' && typeof part['refusal'] === 'string') return [{ type: 'text', text: part['refusal'] }];
    const image = part['image_url'];
    if (part.type === 'image_url' && isObject(image)) {
      return [{ type: 'image', url: String(image['url']), ...(typeof image['detail'] === 'string' ? { detail: image['detail'] } : {}) }];
    }
    untold.push(`${path}[${index}]`);
    return [];
  });
}

/** What tools and models said before is text; anything else in it cannot be told to everybody. */
function textOnly(content: string | readonly ContentPart[], path: string, untold: string[]): string {
  if (typeof content === 'string') return content;
  let text = '';
  for (const [index, part] of content.entries()) {
    if (part.type === 'text') text += part.text;
    else untold.push(`${path}[${index}]`);
  }
  return text;
}

function readTool({ type, function: asked }: ChatTool, path: string, untold: string[]): readonly Tool[] {
  if (type !== 'function' || !asked) {
    untold.push(path);
    return [];
  }
  const { name, description, parameters, strict } = asked;
  return [
    {
      name,
      parameters: parameters ?? { type: 'object', properties: {} },
      ...(typeof description === 'string' ? { description } : {}),
      ...(typeof strict === 'boolean' ? { strict } : {}),
    },
  ];
}

function readToolChoice({ tool_choice: choice }: ChatBody, untold: string[]): ModelRequest['toolChoice'] {
  if (choice === undefined || choice === null) return undefined;
  if (typeof choice === 'string') return choice;
  if (choice.type === 'function' && choice.function) return { name: choice.function.name };
  untold.push('tool_choice');
  return undefined;
}

function readOutput({ response_format: format }: ChatBody): ModelRequest['output'] {
  if (!format || format.type === 'text') return undefined;
  if (format.type === 'json_object' || !format.json_schema) return { name: 'json_object', schema: { type: 'object' } };
  return { name: format.json_schema.name, schema: format.json_schema.schema ?? { type: 'object' } };
}
