import { AppError } from '../contract/errors.ts';
import type { ResponseItem, ResponsePart } from '../contract/responses.ts';
import type { ContentPart, Message } from '../core/model-request.ts';
import { isObject, listOf, textOf } from './read-json.ts';

/** The items of a response's input in our words. What there are none for is noted in `untold`, by its path. */
export function readItems(items: readonly ResponseItem[], path: string, untold: string[]): readonly Message[] {
  const messages: Message[] = [];
  for (const [index, item] of items.entries()) readItem(item, { path: `${path}[${index}]`, untold }, messages);
  return messages;
}

type Place = { readonly path: string; readonly untold: string[] };

function readItem(item: ResponseItem, { path, untold }: Place, into: Message[]): void {
  switch (item.type ?? 'message') {
    case 'message':
      into.push(readMessage(item, { path, untold }));
      return;
    case 'function_call':
      addCall({ id: needed(item, 'call_id', path), name: needed(item, 'name', path), arguments: needed(item, 'arguments', path) }, into);
      return;
    case 'function_call_output':
      into.push({ role: 'tool', toolCallId: needed(item, 'call_id', path), content: outputText(item, { path: `${path}.output`, untold }) });
      return;
    case 'reasoning':
      // What another model thought is nothing that a model can be told in messages, and nothing that the answer hangs on.
      return;
    case 'item_reference':
      throw new AppError('INVALID_VALUE', { field: path, message: `${path} refers to an item by its id: send the item itself, or previous_response_id` });
    default:
      untold.push(path);
  }
}

function needed(item: ResponseItem, name: 'call_id' | 'name' | 'arguments', path: string): string {
  const value = item[name];
  if (value !== undefined) return value;
  throw new AppError('MISSING_REQUIRED_FIELD', { field: `${path}.${name}`, message: `${path}.${name} is required` });
}

function readMessage({ role, content }: ResponseItem, { path, untold }: Place): Message {
  if (role === undefined) throw new AppError('MISSING_REQUIRED_FIELD', { field: `${path}.role`, message: `${path}.role is required` });
  const place = { path: `${path}.content`, untold };
  if (role === 'assistant') return { role, content: typeof content === 'string' ? content : textOfParts(content ?? [], place) };
  const read = typeof content === 'string' ? content : (content ?? []).flatMap((part, index) => readPart(part, { ...place, path: `${place.path}[${index}]` }));
  return { role: role === 'developer' ? 'system' : role, content: read };
}

function readPart(part: ResponsePart, { path, untold }: Place): readonly ContentPart[] {
  const text = partText(part);
  if (text !== null) return [{ type: 'text', text }];
  if (part.type === 'input_image' && part.image_url) {
    return [{ type: 'image', url: part.image_url, ...(part.detail ? { detail: part.detail } : {}) }];
  }
  untold.push(path);
  return [];
}

/** What a model or a tool said before is text; anything else in it cannot be told to everybody. */
function textOfParts(parts: readonly unknown[], { path, untold }: Place): string {
  let said = '';
  for (const [index, part] of parts.entries()) {
    const text = isObject(part) ? partText(part) : null;
    if (text === null) untold.push(`${path}[${index}]`);
    else said += text;
  }
  return said;
}

function partText(part: { readonly [name: string]: unknown }): string | null {
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return textOf(part['text']);
    case 'refusal':
      return textOf(part['refusal']);
    default:
      return null;
  }
}

function outputText({ output }: ResponseItem, place: Place): string {
  if (typeof output === 'string') return output;
  if (Array.isArray(output)) return textOfParts(listOf(output), place);
  throw new AppError('INVALID_TYPE', { field: place.path, message: `${place.path} must be a string or an array` });
}

/** Calls that follow each other, or a message, are one turn of the model. */
function addCall(call: { readonly id: string; readonly name: string; readonly arguments: string }, into: Message[]): void {
  const last = into.at(-1);
  if (last?.role === 'assistant') into[into.length - 1] = { ...last, toolCalls: [...(last.toolCalls ?? []), call] };
  else into.push({ role: 'assistant', content: '', toolCalls: [call] });
}
