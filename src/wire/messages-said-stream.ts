import type { FinishReason, Frame, ModelEvent, Usage } from '../core/events.ts';
import { eventText, type OpenBlocks, openBlocks } from './messages-said-blocks.ts';
import { type MessageHead, messageUsage, opened, stopped, usageSoFar } from './messages-said.ts';

export type MessageEvents = {
  readonly write: (batch: readonly ModelEvent[]) => string;
  readonly done: (usage: Usage) => string;
};

/**
 * The events of a stream: the provider's own where it speaks this dialect, ours where it does not. `inputTokens` is our count of what the
 * provider tells at the end.
 */
export function messageEvents(head: MessageHead, inputTokens: number): MessageEvents {
  const blocks = openBlocks();
  let isFirst = true;
  let isTheirs = false;
  let refused = false;
  let finishReason: FinishReason = 'stop';

  const started = (): string => {
    if (!isFirst) return '';
    isFirst = false;
    const usage = messageUsage({ inputTokens, outputTokens: 0 });
    return eventText('message_start', { message: { ...opened(head), usage } });
  };

  return {
    write(batch) {
      let out = '';
      for (const event of batch) {
        if (event.type === 'frame') {
          isTheirs = true;
          out += frameText(event);
        } else if (!isTheirs) {
          if (event.type === 'refusal-delta') refused = true;
          if (event.type === 'end') ({ finishReason } = event);
          out += started() + said(event, blocks);
        }
      }
      return out;
    },
    done(usage) {
      if (isTheirs) return '';
      const last = { delta: stopped(finishReason, refused), usage: usageSoFar(usage), context_management: null };
      return eventText('message_delta', last) + eventText('message_stop', {});
    },
  };
}

function said(event: Exclude<ModelEvent, Frame>, blocks: OpenBlocks): string {
  switch (event.type) {
    case 'text-delta':
    case 'refusal-delta':
      return blocks.text(event.text);
    case 'reasoning-delta':
      return blocks.thinking(event.text);
    case 'tool-start':
      return blocks.tool(event);
    case 'tool-delta':
      return blocks.input(event);
    case 'end':
      return blocks.close();
    case 'start':
    case 'usage':
      return '';
    default:
      event satisfies never;
      return '';
  }
}

/** An event as it came. */
function frameText({ event, data }: Frame): string {
  return `${event === null ? '' : `event: ${event}\n`}data: ${data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data}\n\n`;
}
