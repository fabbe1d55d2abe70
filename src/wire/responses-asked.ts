import { AppError } from '../contract/errors.ts';
import type { ResponseItem, ResponsesBody, ResponseTool } from '../contract/responses.ts';
import type { ModelRequest, Tool } from '../core/model-request.ts';
import { isObject, listOf } from './read-json.ts';
import { readItems } from './responses-asked-items.ts';

/** What a response is asked for, in our words, and the fields for which we have none. */
export type AskedResponse = {
  readonly model: string | undefined;
  readonly request: Omit<ModelRequest, 'model' | 'given'>;
  readonly untold: readonly string[];
};

/** Fields that change the answer and have no words outside of this dialect, unless they say what is so anyway. */
const UNTOLD: Readonly<Record<string, (value: unknown) => boolean>> = {
  prompt: () => true,
  include: (value) => Array.isArray(value) && value.includes('message.output_text.logprobs'),
  top_logprobs: (value) => value !== 0,
  presence_penalty: (value) => value !== 0,
  frequency_penalty: (value) => value !== 0,
  context_management: () => true,
};

/** `before` are the items that came before this input, in the responses that it continues. */
export function readResponses(body: ResponsesBody, before: readonly ResponseItem[]): AskedResponse {
  const untold: string[] = [];
  for (const [field, changes] of Object.entries(UNTOLD)) {
    const value = body[field];
    if (value !== undefined && value !== null && changes(value)) untold.push(field);
  }
  const { effort } = body.reasoning ?? {};
  if (effort !== undefined && effort !== null) untold.push('reasoning.effort');
  const verbosity = body.text?.['verbosity'];
  if (verbosity !== undefined && verbosity !== null && verbosity !== 'medium') untold.push('text.verbosity');

  const tools = (body.tools ?? []).flatMap((tool, index) => readTool(tool, `tools[${index}]`, untold));
  const toolChoice = tools.length === 0 ? undefined : readToolChoice(body, untold);
  const output = readOutput(body);
  const { temperature, top_p: topP, max_output_tokens: maxTokens } = body;
  const request: AskedResponse['request'] = {
    messages: readMessages(body, before, untold),
    stream: body.stream === true,
    dialect: 'openai-responses',
    ...(temperature === undefined || temperature === null ? {} : { temperature }),
    ...(topP === undefined || topP === null ? {} : { topP }),
    ...(maxTokens === undefined || maxTokens === null ? {} : { maxTokens }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(tools.length > 0 && body.parallel_tool_calls === false ? { oneToolCall: true } : {}),
    ...(tools.length > 0 && body.parallel_tool_calls === false ? { oneToolCall: true } : {}),
    ...(output === undefined ? {} : { output }),
  };
  return { model: body.model, request, untold };
}

/** The input as items, however it was given. */
function inputItems({ input }: ResponsesBody): readonly ResponseItem[] {
  if (input === undefined) return [];
  return typeof input === 'string' ? [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }] : input;
}

function readMessages(body: ResponsesBody, before: readonly ResponseItem[], untold: string[]): ModelRequest['messages'] {
  const { instructions } = body;
  const lost: string[] = [];
  const system = instructions ? [{ role: 'system' as const, content: instructions }] : [];
  // Together, since a call may be in the one and what came of it in the other.
  const earlier = readItems(before, 'previous_response_id', lost);
  if (lost.length > 0) untold.push('previous_response_id');
  const messages = [...system, ...earlier, ...readItems(inputItems(body), 'input', untold)];
  if (earlier.length > 0 || body.input !== undefined || body['prompt']) return messages;
  throw new AppError('MISSING_REQUIRED_FIELD', { field: 'input', message: 'input is required' });
}

function readTool({ type, name, description, parameters, strict }: ResponseTool, path: string, untold: string[]): readonly Tool[] {
  if (type !== 'function') {
    untold.push(path);
    return [];
  }
  if (name === undefined) throw new AppError('MISSING_REQUIRED_FIELD', { field: `${path}.name`, message: `${path}.name is required` });
  return [
    {
      name,
      parameters: parameters ?? { type: 'object', properties: {} },
      ...(typeof description === 'string' ? { description } : {}),
      ...(typeof strict === 'boolean' ? { strict } : {}),
    },
  ];
}

function readToolChoice({ tool_choice: choice }: ResponsesBody, untold: string[]): ModelRequest['toolChoice'] {
  if (choice === undefined || choice === null) return undefined;
  if (typeof choice === 'string') return choice;
  if (choice.type === 'function' && choice.name !== undefined) return { name: choice.name };
  untold.push('tool_choice');
  return undefined;
}

function readOutput({ text }: ResponsesBody): ModelRequest['output'] {
  const format = text?.format;
  if (!format || format.type === 'text') return undefined;
  const schema = format.type === 'json_schema' ? format.schema : undefined;
  return { name: format.name ?? 'json_object', schema: schema ?? { type: 'object' } };
}

/**
 * The body as it goes to a provider of the same dialect where what came before, and that it goes on by itself, is our affair: with all items, and
 * nothing that would be looked up or stored over there.
 */
export function outgoingBody(body: ResponsesBody, before: readonly ResponseItem[]): Readonly<Record<string, unknown>> {
  if (!body.previous_response_id && !body.background) return body;
  const { previous_response_id: _previous, background: _background, ...rest } = body;
  return { ...rest, input: [...before.flatMap(asSaidBefore), ...inputItems(body)], store: false };
}

/** An item without the id under which it is stored nowhere else. Thinking that its provider did not seal into it cannot be given back. */
function asSaidBefore(item: ResponseItem): readonly ResponseItem[] {
  if (item.type === 'reasoning') return item['encrypted_content'] ? [item] : [];
  if (item.type !== undefined && !WITHOUT_ID.has(item.type)) return [item];
  const { id: _id, ...rest } = item;
  return [rest];
}

const WITHOUT_ID: ReadonlySet<string> = new Set(['message', 'function_call', 'function_call_output']);

const ID_PREFIXES: Readonly<Record<string, string>> = { message: 'msg', function_call: 'fc', function_call_output: 'fco', reasoning: 'rs' };

/** The input as it is stored and listed: whole items, each with an id. */
export function storedItems(body: ResponsesBody, newId: (prefix: string) => string): readonly ResponseItem[] {
  return inputItems(body).map((item) => storedItem(item, newId));
}

function storedItem(item: ResponseItem, newId: (prefix: string) => string): ResponseItem {
  const { type = 'message', role, content } = item;
  const id = item.id || newId(ID_PREFIXES[type] ?? 'item');
  if (type !== 'message') return { ...item, id, type };
  const parts = typeof content === 'string' ? [{ type: role === 'assistant' ? 'output_text' : 'input_text', text: content }] : (content ?? []);
  return { ...item, id, type, status: 'completed', content: parts };
}

/** What a response was asked with, and what it said. */
export function turnItems({
  input,
  response,
}: {
  readonly input: readonly ResponseItem[];
  readonly response: { readonly output?: unknown };
}): readonly ResponseItem[] {
  return [...input, ...(listOf(response.output).filter(isObject) as ResponseItem[])];
}
