import type { ModelEvent } from '../core/events.ts';
import type { JsonObject } from './read-json.ts';

/** The items of a response's output, put together from what a model says, and the events that tell of them in the vendor's order. */
export type SaidItems = {
  readonly add: (event: ModelEvent, emit: Emit) => void;
  /** Ends what is still open. */
  readonly end: (status: ItemStatus, emit: Emit) => readonly JsonObject[];
};
export type Emit = (type: string, fields: JsonObject) => void;
export type ItemStatus = 'completed' | 'incomplete';

type NewId = (prefix: string) => string;
/** Where an item stands. */
type Place = { readonly item_id: string; readonly output_index: number };
type Closing = (status: ItemStatus, emit: Emit) => JsonObject;
type OpenItem = Place & { readonly close: Closing };
type OpenText = OpenItem & { readonly add: (text: string, emit: Emit) => void };
type OpenMessage = OpenItem & { readonly add: (kind: PartKind, text: string, emit: Emit) => void };
type OpenCall = OpenText & { readonly isWhole: () => boolean };
type PartKind = 'output_text' | 'refusal';

export function saidItems(newId: NewId): SaidItems {
  const items = openItems();
  let thought: OpenText | null = null;
  let message: OpenMessage | null = null;
  const calls = new Map<number, OpenCall>();

  const placed = (prefix: string): Place => ({ item_id: newId(prefix), output_index: items.place() });
  /** Whoever says something else has finished what was said before. Calls may be said side by side, until their arguments are whole. */
  const closeBut = (kept: OpenItem | null, emit: Emit): void => {
    if (thought !== kept) thought = items.close(thought, 'completed', emit);
    if (message !== kept) message = items.close(message, 'completed', emit);
    for (const [index, call] of calls) {
      if (!call.isWhole()) continue;
      items.close(call, 'completed', emit);
      calls.delete(index);
    }
  };

  return {
    add(event, emit) {
      if (event.type === 'reasoning-delta') {
        closeBut(thought, emit);
        thought ??= openThought(placed('rs'), emit);
        thought.add(event.text, emit);
      } else if (event.type === 'text-delta' || event.type === 'refusal-delta') {
        closeBut(message, emit);
        message ??= openMessage(placed('msg'), emit);
        message.add(event.type === 'text-delta' ? 'output_text' : 'refusal', event.text, emit);
      } else if (event.type === 'tool-start') {
        closeBut(null, emit);
        calls.set(event.index, openCall(placed('fc'), event, emit));
      } else if (event.type === 'tool-delta') calls.get(event.index)?.add(event.arguments, emit);
    },
    end(status, emit) {
      const open = [thought, message, ...calls.values()].filter((item) => item !== null);
      for (const item of open.toSorted((a, b) => a.output_index - b.output_index)) items.close(item, status, emit);
      return items.whole();
    },
  };
}

type OpenItems = {
  /** The number of the next item. */
  readonly place: () => number;
  readonly close: (item: OpenItem | null, status: ItemStatus, emit: Emit) => null;
  readonly whole: () => readonly JsonObject[];
};

function openItems(): OpenItems {
  const output: (JsonObject | null)[] = [];
  return {
    place: () => output.push(null) - 1,
    close(item, status, emit) {
      if (item === null) return null;
      const done = item.close(status, emit);
      output[item.output_index] = done;
      emit('response.output_item.done', { output_index: item.output_index, item: done });
      return null;
    },
    whole: () => output.filter((item) => item !== null),
  };
}

function added({ output_index }: Place, item: JsonObject, emit: Emit): void {
  emit('response.output_item.added', { output_index, item });
}

function openThought(place: Place, emit: Emit): OpenText {
  const inside = { ...place, summary_index: 0 };
  const item = (status: string, summary: readonly JsonObject[]): JsonObject => ({ id: place.item_id, type: 'reasoning', status, summary });
  let said = '';
  added(place, item('in_progress', []), emit);
  emit('response.reasoning_summary_part.added', { ...inside, part: { type: 'summary_text', text: '' } });
  return {
    ...place,
    add(text, tell) {
      said += text;
      tell('response.reasoning_summary_text.delta', { ...inside, delta: text });
    },
    close(status, tell) {
      const part = { type: 'summary_text', text: said };
      tell('response.reasoning_summary_text.done', { ...inside, text: said });
      tell('response.reasoning_summary_part.done', { ...inside, part });
      return item(status, [part]);
    },
  };
}

function openMessage(place: Place, emit: Emit): OpenMessage {
  const item = (status: string, content: readonly JsonObject[]): JsonObject => ({ id: place.item_id, type: 'message', status, role: 'assistant', content });
  const parts: JsonObject[] = [];
  let part: (OpenText & { readonly kind: PartKind }) | null = null;
  added(place, item('in_progress', []), emit);
  const closePart = (tell: Emit): void => {
    if (part) parts.push(part.close('completed', tell));
    part = null;
  };
  return {
    ...place,
    add(kind, text, tell) {
      if (part?.kind !== kind) closePart(tell);
      part ??= { kind, ...openPart(kind, { place, index: parts.length }, tell) };
      part.add(text, tell);
    },
    close(status, tell) {
      closePart(tell);
      return item(status, parts);
    },
  };
}

function openPart(kind: PartKind, { place, index }: { readonly place: Place; readonly index: number }, emit: Emit): OpenText {
  const inside = { ...place, content_index: index };
  const isText = kind === 'output_text';
  const part = (text: string): JsonObject => (isText ? { type: kind, text, annotations: [], logprobs: [] } : { type: kind, refusal: text });
  let said = '';
  emit('response.content_part.added', { ...inside, part: part('') });
  return {
    ...place,
    add(text, tell) {
      said += text;
      tell(`response.${kind}.delta`, { ...inside, delta: text, ...(isText ? { logprobs: [] } : {}) });
    },
    close(_status, tell) {
      tell(`response.${kind}.done`, { ...inside, ...(isText ? { text: said, logprobs: [] } : { refusal: said }) });
      tell('response.content_part.done', { ...inside, part: part(said) });
      return part(said);
    },
  };
}

function openCall(place: Place, { id, name }: { readonly id: string; readonly name: string }, emit: Emit): OpenCall {
  const item = (status: string, given: string): JsonObject => ({
    id: place.item_id,
    type: 'function_call',
    status,
    call_id: id,
    name,
    arguments: given,
  });
  let said = '';
  added(place, item('in_progress', ''), emit);
  return {
    ...place,
    isWhole: () => isJson(said),
    add(text, tell) {
      said += text;
      tell('response.function_call_arguments.delta', { ...place, delta: text });
    },
    close(status, tell) {
      tell('response.function_call_arguments.done', { ...place, name, arguments: said });
      return item(status, said);
    },
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
