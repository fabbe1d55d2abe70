import type { ToolCall } from '../../core/events.ts';
import { instanceOf, type Propose } from '../../core/json-schema-instance.ts';
import { isRecord } from '../../core/json-schema-parts.ts';
import type { JsonSchema } from '../../core/json-schema.ts';
import type { ModelRequest, Tool } from '../../core/model-request.ts';
import { textOf } from './reading.ts';
import { choiceOf, wordsOf } from './words.ts';

/** Which tools the demo model calls, and with what: those that must be called, or that the last message clearly asks for. */
type Asked = Pick<ModelRequest, 'messages' | 'tools' | 'toolChoice' | 'oneToolCall'>;

// What tools are called besides what they are about: `get_weather` is about weather.
const VERBS = new Set(
  'get set find list search fetch lookup look up create make do call run tool function current now query read check show by for the of'.split(' '),
);
const CALLS_MAX = 8;

export function toolCallsFor({ messages, tools = [], toolChoice = 'auto', oneToolCall }: Asked): ToolCall[] {
  const last = messages.at(-1);
  if (tools.length === 0 || toolChoice === 'none' || last === undefined) return [];
  if (last.role !== 'user' && toolChoice === 'auto') return [];
  const asking = messages.findLast((message) => message.role === 'user');
  const prompt = asking?.role === 'user' ? textOf(asking.content) : '';
  const chosen = choose(tools, toolChoice, prompt);
  const wanted = chosen.flatMap((tool) => argumentsFor(tool, prompt).map((given) => ({ name: tool.name, given: JSON.stringify(given) })));
  return wanted.slice(0, oneToolCall ? 1 : CALLS_MAX).map(({ name, given }, index) => ({
    id: `call_demo${messages.length}_${index}_${choiceOf(name + given).toString(36)}`,
    name,
    arguments: given,
  }));
}

function choose(tools: readonly Tool[], toolChoice: ModelRequest['toolChoice'], prompt: string): readonly Tool[] {
  if (typeof toolChoice === 'object') return tools.filter((tool) => tool.name === toolChoice.name);
  const fitting = tools.filter((tool) => isAskedFor(tool, prompt));
  return fitting.length === 0 && toolChoice === 'required' ? tools.slice(0, 1) : fitting;
}

function isAskedFor(tool: Tool, prompt: string): boolean {
  // A name of one word is a word like others: `add` is not asked for by an address.
  if (/[_-]|[a-z][A-Z]/.test(tool.name) && prompt.includes(tool.name)) return true;
  const said = new Set(wordsOf(prompt).map(stem));
  const nameWords = wordsOf(tool.name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').replaceAll(/[_.-]+/g, ' '));
  const telling = nameWords.filter((word) => !VERBS.has(word));
  return (telling.length > 0 ? telling : nameWords).every((word) => said.has(stem(word)));
}

/** Enough of a word that its forms are one: weather, weathers. */
function stem(word: string): string {
  return word.slice(0, 6).replace(/(?:es|s)$/, '');
}

/** One set of arguments, or one for each of several things that are named: "the weather in Paris and in Rome". */
function argumentsFor(tool: Tool, prompt: string): unknown[] {
  const places = namesIn(prompt);
  const target = repeatedField(tool.parameters);
  const runs = target !== null && places.length > 1 ? places.map((place) => [place]) : [places];
  return runs.map((names) => instanceOf(tool.parameters, prompt, proposer(prompt, names)));
}

/** The only required field that is free text: what a call is about. */
function repeatedField(parameters: JsonSchema): string | null {
  const properties = isRecord(parameters['properties']) ? parameters['properties'] : {};
  const required = Array.isArray(parameters['required']) ? (parameters['required'] as unknown[]) : [];
  const free = Object.entries(properties).filter(
    ([name, schema]) => required.includes(name) && isRecord(schema) && schema['type'] === 'string' && schema['enum'] === undefined,
  );
  return free.length === 1 && free[0] !== undefined && !isSentence(free[0][0]) ? free[0][0] : null;
}

/** Numbers and names in the order in which they are said, each once. */
function proposer(prompt: string, names: readonly string[]): Propose {
  const numbers = (prompt.match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number);
  const unused = [...names];
  const said = prompt.toLowerCase();
  return (path, _index, schema) => {
    const allowed = Array.isArray(schema['enum']) ? (schema['enum'] as unknown[]) : null;
    if (allowed !== null) return allowed.find((value) => typeof value === 'string' && said.includes(value.toLowerCase()));
    if (schema['type'] === 'number' || schema['type'] === 'integer') return numbers.shift();
    if (schema['type'] !== 'string' || schema['format'] !== undefined) return undefined;
    return isSentence(path) ? prompt : (unused.shift() ?? names[0] ?? prompt);
  };
}

function isSentence(path: string): boolean {
  return /(query|question|text|input|prompt|message|expression|content|body|description|q)$/i.test(path);
}

/** Names in a sentence: what is written with a capital and does not begin it. */
function namesIn(prompt: string): string[] {
  const found = [...prompt.matchAll(/(?<![.!?]\s)(?<=\s)\p{Lu}[\p{L}'-]+(?:\s+\p{Lu}[\p{L}'-]+)*/gu)].map((match) => match[0]);
  return [...new Set(found)].slice(0, CALLS_MAX);
}

/** What the demo model says when the tools have answered. */
export function afterTools(messages: ModelRequest['messages']): string | null {
  if (messages.at(-1)?.role !== 'tool') return null;
  const from = messages.findLastIndex((message) => message.role !== 'tool') + 1;
  const calls = messages.flatMap((message) => (message.role === 'assistant' ? (message.toolCalls ?? []) : []));
  const results = messages.slice(from).flatMap((message) => {
    if (message.role !== 'tool') return [];
    const name = calls.find((call) => call.id === message.toolCallId)?.name ?? 'The tool';
    return [`${name} answered: ${message.content.length > 500 ? `${message.content.slice(0, 500)}…` : message.content}`];
  });
  return `[demo] ${results.join('\n')}`;
}
