import { isRecord, type JsonObject, listOf, parseJson } from './json.ts';

/** What a call asks for, whichever vendor's words it uses. */
export type Asked = {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly prompt: string;
  readonly inputTokens: number;
  /** What the tools said, when the conversation ends with them. */
  readonly toolResults: readonly string[];
  readonly tools: readonly AskedTool[];
  readonly toolChoice: 'auto' | 'none' | 'required' | { readonly name: string };
  readonly parallelTools: boolean;
  /** Undefined where none was given; `{}` for any JSON object. */
  readonly schema: unknown;
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  readonly choices: number;
  readonly logprobs: boolean;
};

export type AskedTool = { readonly name: string; readonly parameters: unknown };
type Turn = { readonly role: string; readonly text: string };

// The usual rule of thumb; tests compare our numbers with these, not with a tokenizer's.
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}

export function readChat(body: JsonObject): Asked {
  const turns = listOf(body['messages'])
    .filter(isRecord)
    .map((message): Turn => ({ role: String(message['role']), text: textOf(message['content']) }));
  const format = isRecord(body['response_format']) ? body['response_format'] : {};
  const options = isRecord(body['stream_options']) ? body['stream_options'] : {};
  const chosen = body['tool_choice'];
  return {
    ...common(body, turns),
    includeUsage: options['include_usage'] === true,
    tools: listOf(body['tools'])
      .filter(isRecord)
      .flatMap((tool) => (isRecord(tool['function']) ? [{ name: String(tool['function']['name']), parameters: tool['function']['parameters'] }] : [])),
    toolChoice: isRecord(chosen) && isRecord(chosen['function']) ? { name: String(chosen['function']['name']) } : choiceWord(chosen),
    parallelTools: body['parallel_tool_calls'] !== false,
    schema: schemaOf(format['type'], isRecord(format['json_schema']) ? format['json_schema'] : {}),
    maxTokens: numberOr(body['max_completion_tokens'] ?? body['max_tokens']),
    stop: typeof body['stop'] === 'string' ? [body['stop']] : listOf(body['stop']).map(String),
    choices: numberOr(body['n']) ?? 1,
    logprobs: body['logprobs'] === true,
  };
}

export function readResponses(body: JsonObject): Asked {
  const { input } = body;
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : listOf(input).filter(isRecord);
  const instructions: Turn[] = typeof body['instructions'] === 'string' ? [{ role: 'system', text: body['instructions'] }] : [];
  const turns = [...instructions, ...items.map(responseTurn)];
  const text = isRecord(body['text']) ? body['text'] : {};
  const format = isRecord(text['format']) ? text['format'] : {};
  const chosen = body['tool_choice'];
  return {
    ...common(body, turns),
    includeUsage: true,
    tools: listOf(body['tools'])
      .filter(isRecord)
      .flatMap((tool) => (tool['type'] === 'function' ? [{ name: String(tool['name']), parameters: tool['parameters'] }] : [])),
    toolChoice: isRecord(chosen) ? { name: String(chosen['name']) } : choiceWord(chosen),
    parallelTools: body['parallel_tool_calls'] !== false,
    schema: schemaOf(format['type'], format),
    maxTokens: numberOr(body['max_output_tokens']),
    stop: [],
    choices: 1,
    logprobs: listOf(body['include']).includes('message.output_text.logprobs'),
  };
}

function responseTurn(item: JsonObject): Turn {
  if (item['type'] === 'function_call_output') return { role: 'tool', text: textOf(item['output']) };
  if (item['type'] === 'function_call') return { role: 'assistant', text: textOf(item['arguments']) };
  return { role: String(item['role']), text: textOf(item['content']) };
}

export function readMessages(body: JsonObject): Asked {
  const system: Turn[] = body['system'] === undefined ? [] : [{ role: 'system', text: textOf(body['system']) }];
  const turns = [...system, ...listOf(body['messages']).filter(isRecord).flatMap(anthropicTurns)];
  const chosen = isRecord(body['tool_choice']) ? body['tool_choice'] : {};
  const output = isRecord(body['output_config']) ? body['output_config'] : {};
  // `output_format` is the older name, of the beta.
  const given = output['format'] ?? body['output_format'];
  const format = isRecord(given) ? given : {};
  return {
    ...common(body, turns),
    includeUsage: true,
    tools: listOf(body['tools'])
      .filter(isRecord)
      .map((tool) => ({ name: String(tool['name']), parameters: tool['input_schema'] })),
    toolChoice: chosen['type'] === 'tool' ? { name: String(chosen['name']) } : choiceWord(chosen['type'] === 'any' ? 'required' : chosen['type']),
    parallelTools: chosen['disable_parallel_tool_use'] !== true,
    schema: schemaOf(format['type'], format),
    maxTokens: numberOr(body['max_tokens']),
    stop: listOf(body['stop_sequences']).map(String),
    choices: 1,
    logprobs: false,
  };
}

function anthropicTurns(message: JsonObject): Turn[] {
  const results = listOf(message['content'])
    .filter(isRecord)
    .filter((part) => part['type'] === 'tool_result');
  const text = textOf(message['content']);
  const said: Turn[] = text !== '' || results.length === 0 ? [{ role: String(message['role']), text }] : [];
  return [...said, ...results.map((part): Turn => ({ role: 'tool', text: textOf(part['content']) }))];
}

function common(body: JsonObject, turns: readonly Turn[]): Pick<Asked, 'model' | 'stream' | 'prompt' | 'inputTokens' | 'toolResults'> {
  const lastOther = turns.findLastIndex((turn) => turn.role !== 'tool');
  return {
    model: String(body['model']),
    stream: body['stream'] === true,
    prompt: turns.findLast((turn) => turn.role === 'user')?.text ?? '',
    inputTokens: tokensOf(turns.map((turn) => turn.text).join('\n')) + 3 * turns.length,
    toolResults: turns.slice(lastOther + 1).map((turn) => turn.text),
  };
}

/** Text as text, or as a list of parts in any vendor's words. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .filter(isRecord)
    .map((part) => (typeof part['text'] === 'string' ? part['text'] : imageMark(part)))
    .join('');
}

function imageMark(part: JsonObject): string {
  return String(part['type']).includes('image') ? '[image]' : '';
}

function schemaOf(type: unknown, holder: JsonObject): unknown {
  if (type === 'json_schema') return holder['schema'] ?? {};
  return type === 'json_object' ? { type: 'object', properties: { answer: { type: 'string' } } } : undefined;
}

function choiceWord(chosen: unknown): 'auto' | 'none' | 'required' {
  return chosen === 'none' || chosen === 'required' ? chosen : 'auto';
}

function numberOr(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

export function readBody(text: string): JsonObject | null {
  const parsed = parseJson(text);
  return isRecord(parsed) ? parsed : null;
}
