import type { Block, Turn } from '../contract/messages.ts';
import type { ContentPart, Message } from '../core/model-request.ts';
import { listOf, objectOf, textOf } from './read-json.ts';

/** What was said before, in our words. What we have none for is added to `untold`, by its path. */
export function readTurn({ role, content }: Turn, path: string, untold: string[]): readonly Message[] {
  if (typeof content === 'string') return [{ role, content }];
  const place = `${path}.content`;
  if (role === 'user') return readUser(content, place, untold);
  if (role === 'assistant') return [readAssistant(content, place, untold)];
  return [{ role, content: readSystem(content, place, untold) }];
}

/** Its blocks are paragraphs of one text. */
export function readSystem(system: string | readonly Block[], path: string, untold: string[]): string {
  if (typeof system === 'string') return system;
  const texts = system.flatMap((block, index) => {
    if (block.type === 'text') return [readText(block, `${path}[${index}]`, untold)];
    untold.push(`${path}[${index}]`);
    return [];
  });
  return texts.join('\n\n');
}

/** What tools answered comes first, as it does here: a message for each of them. */
function readUser(blocks: readonly Block[], path: string, untold: string[]): readonly Message[] {
  const results: Message[] = [];
  const parts: ContentPart[] = [];
  for (const [index, block] of blocks.entries()) {
    const place = `${path}[${index}]`;
    if (block.type === 'tool_result') results.push(readResult(block, place, { parts, untold }));
    else parts.push(...readPart(block, place, untold));
  }
  if (parts.length === 0 && results.length > 0) return results;
  const [only, ...others] = parts;
  return [...results, { role: 'user', content: only?.type === 'text' && others.length === 0 ? only.text : parts }];
}

const TEXT: ReadonlySet<string> = new Set(['type', 'text', 'citations', 'cache_control']);
const IMAGE: ReadonlySet<string> = new Set(['type', 'source', 'cache_control']);

function readPart(block: Block, path: string, untold: string[]): readonly ContentPart[] {
  if (block.type === 'text') return [{ type: 'text', text: readText(block, path, untold) }];
  const url = block.type === 'image' ? imageUrl(block) : null;
  if (url === null) {
    untold.push(path);
    return [];
  }
  noteUnknown(block, IMAGE, { path, untold });
  return [{ type: 'image', url }];
}

function readText(block: Block, path: string, untold: string[]): string {
  noteUnknown(block, TEXT, { path, untold });
  return textOf(block['text']);
}

/** Null for a file that Anthropic keeps. */
function imageUrl(block: Block): string | null {
  const source = objectOf(block['source']);
  if (source['type'] === 'url') return textOf(source['url']);
  return source['type'] === 'base64' ? `data:${textOf(source['media_type'])};base64,${textOf(source['data'])}` : null;
}

type Beside = {
  /** Of the message behind the results: a tool answers in text, and its images go there. */
  readonly parts: ContentPart[];
  readonly untold: string[];
};

const RESULT: ReadonlySet<string> = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']);

function readResult(block: Block, path: string, { parts, untold }: Beside): Message {
  noteUnknown(block, RESULT, { path, untold });
  const toolCallId = textOf(block['tool_use_id']);
  const { content } = block;
  const failed = block['is_error'] === true ? 'Error: ' : '';
  if (typeof content === 'string') return { role: 'tool', toolCallId, content: failed + content };
  let images = 0;
  const texts = (listOf(content) as readonly Block[]).flatMap((each, index) =>
    readPart(each, `${path}.content[${index}]`, untold).map((part) => {
      if (part.type === 'text') return part.text;
      const name = `[image ${++images} of ${toolCallId}]`;
      parts.push({ type: 'text', text: name }, part);
      return name;
    }),
  );
  return { role: 'tool', toolCallId, content: failed + texts.join('\n') };
}

const CALL: ReadonlySet<string> = new Set(['type', 'id', 'name', 'input', 'caller', 'cache_control']);

function readAssistant(blocks: readonly Block[], path: string, untold: string[]): Message {
  let content = '';
  const toolCalls: { readonly id: string; readonly name: string; readonly arguments: string }[] = [];
  for (const [index, block] of blocks.entries()) {
    const place = `${path}[${index}]`;
    switch (block.type) {
      case 'text':
        content += readText(block, place, untold);
        break;
      case 'tool_use':
        noteUnknown(block, CALL, { path: place, untold });
        toolCalls.push({ id: textOf(block['id']), name: textOf(block['name']), arguments: JSON.stringify(block['input']) });
        break;
      case 'thinking':
      case 'redacted_thinking':
        // Signed by whoever thought it, and to nobody else of any use.
        break;
      default:
        untold.push(place);
    }
  }
  return { role: 'assistant', content, ...(toolCalls.length === 0 ? {} : { toolCalls }) };
}

type Noting = { readonly path: string; readonly untold: string[] };

/** Notes every member that is not among the known ones, unless it says nothing. */
export function noteUnknown(object: Readonly<Record<string, unknown>>, known: ReadonlySet<string>, { path, untold }: Noting): void {
  for (const [name, value] of Object.entries(object)) {
    if (!known.has(name) && !saysNothing(value)) untold.push(path === '' ? name : `${path}.${name}`);
  }
}

function saysNothing(value: unknown): boolean {
  return value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0);
}
