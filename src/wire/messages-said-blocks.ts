import { AppError } from '../contract/errors.ts';
import type { ModelEvent } from '../core/events.ts';
import { textBlock, thinkingBlock, toolBlock } from './messages-said.ts';
import type { JsonObject } from './read-json.ts';

type ToolStart = Extract<ModelEvent, { type: 'tool-start' }>;
type ToolDelta = Extract<ModelEvent, { type: 'tool-delta' }>;
/** The content blocks of a stream, in the text of their events. */
export type OpenBlocks = {
  readonly text: (piece: string) => string;
  readonly thinking: (piece: string) => string;
  readonly tool: (start: ToolStart) => string;
  readonly input: (delta: ToolDelta) => string;
  readonly close: () => string;
};

/** One block after the other, each numbered, opened and closed. */
export function openBlocks(): OpenBlocks {
  let index = -1;
  let open: 'text' | 'thinking' | 'tool' | null = null;
  const tools = waitingTools();

  const closed = (): string => {
    if (open === null) return '';
    open = null;
    return eventText('content_block_stop', { index });
  };
  const begun = (kind: 'text' | 'thinking' | 'tool', block: JsonObject): string => {
    const out = closed();
    open = kind;
    return out + eventText('content_block_start', { index: ++index, content_block: block });
  };
  const piece = (delta: JsonObject): string => eventText('content_block_delta', { index, delta });
  const input = (text: string): string => (text === '' ? '' : piece({ type: 'input_json_delta', partial_json: text }));
  const call = (tool: WaitingTool): string => begun('tool', toolBlock(tool.start, {})) + input(tool.said);
  const close = (): string => tools.all().map(call).join('') + closed();

  return {
    close,
    text: (text) => (open === 'text' ? '' : close() + begun('text', textBlock(''))) + piece({ type: 'text_delta', text }),
    thinking: (thinking) =>
      (open === 'thinking' ? '' : close() + begun('thinking', thinkingBlock(''))) + piece({ type: 'thinking_delta', thinking, estimated_tokens: null }),
    tool: (start) => tools.add(start).map(call).join(''),
    input(delta) {
      const live = tools.push(delta);
      return (live ? input(delta.arguments) : '') + tools.ready().map(call).join('');
    },
  };
}

type WaitingTool = { readonly start: ToolStart; said: string };
type WaitingTools = {
  /** What they answer are the calls whose turn has come. */
  readonly add: (start: ToolStart) => readonly WaitingTool[];
  readonly ready: () => readonly WaitingTool[];
  /** The rest, ready or not. */
  readonly all: () => readonly WaitingTool[];
  /** Whether it belongs to the call whose turn it is. */
  readonly push: (delta: ToolDelta) => boolean;
};

/** Providers may mix the pieces of parallel calls, and here each call is said to its end before the next: it is over when its arguments are whole. */
function waitingTools(): WaitingTools {
  let current: WaitingTool | null = null;
  let waiting: WaitingTool[] = [];

  const ready = (): readonly WaitingTool[] => {
    const out: WaitingTool[] = [];
    for (let [next] = waiting; next && (current === null || isWhole(current.said)); [next] = waiting) {
      current = next;
      waiting = waiting.slice(1);
      out.push(next);
    }
    return out;
  };
  return {
    ready,
    add(start) {
      waiting.push({ start, said: '' });
      return ready();
    },
    all() {
      const rest = waiting;
      current = null;
      waiting = [];
      return rest;
    },
    push({ index, arguments: piece }) {
      const isLive = current?.start.index === index;
      const tool = isLive ? current : waiting.find(({ start }) => start.index === index);
      if (!tool) throw new AppError('INTERNAL_ERROR', { message: 'The provider went on with a tool call that was over.' });
      tool.said += piece;
      return isLive;
    },
  };
}

function isWhole(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

export function eventText(type: string, members: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}
