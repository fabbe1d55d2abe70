import type { CountTokensBody, MessagesBody, MessagesTool } from '../contract/messages.ts';
import type { Message, ModelRequest, Tool } from '../core/model-request.ts';
import { noteUnknown, readSystem, readTurn } from './messages-asked-turns.ts';
import { isObject, listOf, textOf } from './read-json.ts';

/** What a message asks for, in our words, and the fields for which we have none. */
export type AskedMessage = {
  readonly request: Omit<ModelRequest, 'model' | 'given'>;
  readonly untold: readonly string[];
};

type Body = CountTokensBody & Partial<MessagesBody>;

/** Said in our words, or, behind the line, of no weight for the answer. */
const KNOWN: ReadonlySet<string> = new Set(
  (
    'model messages system tools tool_choice thinking output_config output_format max_tokens stream stop_sequences temperature top_p ' +
    'metadata cache_control service_tier speed diagnostics user_profile_id workspace_id'
  ).split(' '),
);

export function readMessages(body: Body): AskedMessage {
  const untold: string[] = [];
  noteUnknown(body, KNOWN, { path: '', untold });
  const messages: Message[] = body.system === undefined ? [] : [{ role: 'system', content: readSystem(body.system, 'system', untold) }];
  for (const [index, turn] of body.messages.entries()) messages.push(...readTurn(turn, `messages[${index}]`, untold));
  // An answer that is begun and shall go on: elsewhere it would be taken for a whole one.
  if (body.messages.at(-1)?.role === 'assistant') untold.push(`messages[${body.messages.length - 1}].role`);
  const tools = (body.tools ?? []).flatMap((tool, index) => readTool(tool, `tools[${index}]`, untold));
  const toolChoice = tools.length === 0 ? undefined : readToolChoice(body, untold);
  if (body.thinking !== undefined && !isOptional(body.thinking.type)) untold.push('thinking');
  const output = readOutput(body, untold);
  if (body.max_tokens === 0) untold.push('max_tokens');
  const request: AskedMessage['request'] = {
    messages,
    stream: body.stream === true,
    dialect: 'anthropic-messages',
    ...(body.temperature === undefined ? {} : { temperature: body.temperature }),
    ...(body.top_p === undefined ? {} : { topP: body.top_p }),
    ...(body.max_tokens === undefined ? {} : { maxTokens: body.max_tokens }),
    ...(body.stop_sequences === undefined || body.stop_sequences.length === 0 ? {} : { stop: body.stop_sequences }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(tools.length > 0 && body.tool_choice?.['disable_parallel_tool_use'] === true ? { oneToolCall: true } : {}),
    ...(output === undefined ? {} : { output }),
  };
  return { request, untold };
}

/** Thinking that is left to the model, or not wanted, binds no model that does not think. */
function isOptional(thinking: string): boolean {
  return thinking === 'adaptive' || thinking === 'disabled';
}

const TOOL: ReadonlySet<string> = new Set([
  'type',
  'name',
  'description',
  'input_schema',
  'strict',
  'cache_control',
  'eager_input_streaming',
  'allowed_callers',
]);

/** Tools that Anthropic runs, or defines, are nobody else's. */
function readTool(tool: MessagesTool, path: string, untold: string[]): readonly Tool[] {
  const { description, input_schema: parameters, strict } = tool;
  const callers = listOf(tool['allowed_callers']);
  if ((tool.type ?? 'custom') !== 'custom' || !isObject(parameters) || callers.some((caller) => caller !== 'direct')) {
    untold.push(path);
    return [];
  }
  noteUnknown(tool, TOOL, { path, untold });
  return [
    {
      name: textOf(tool['name']),
      parameters,
      ...(typeof description === 'string' ? { description } : {}),
      ...(typeof strict === 'boolean' ? { strict } : {}),
    },
  ];
}

function readToolChoice({ tool_choice: choice }: Body, untold: string[]): ModelRequest['toolChoice'] {
  if (choice === undefined) return undefined;
  switch (choice.type) {
    case 'auto':
    case 'none':
      return choice.type;
    case 'any':
      return 'required';
    case 'tool':
      return { name: textOf(choice['name']) };
    default:
      untold.push('tool_choice');
      return undefined;
  }
}

const CONFIG: ReadonlySet<string> = new Set(['format']);

function readOutput({ output_config: config, output_format: older }: Body, untold: string[]): ModelRequest['output'] {
  if (config) noteUnknown(config, CONFIG, { path: 'output_config', untold });
  const format = config?.format ?? older;
  if (format === undefined || format === null) return undefined;
  const { schema } = format;
  if (format.type === 'json_schema' && isObject(schema)) return { name: 'answer', schema };
  untold.push(config?.format ? 'output_config.format' : 'output_format');
  return undefined;
}
