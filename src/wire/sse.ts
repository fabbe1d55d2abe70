import { UpstreamError } from '../core/provider.ts';

/** One dispatched event of a text/event-stream (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export type SseEvent = {
  /** `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
  /** The last id that the stream gave, up to and with this event. */
  readonly id: string;
};

export type SseDecoder = {
  /** The events that these bytes complete. What the stream leaves unterminated at its end is no event, so there is nothing to flush. */
  readonly push: (bytes: Uint8Array) => readonly SseEvent[];
  /** What the stream last asked to wait before a reconnect. */
  readonly retryMs: () => number | null;
};

/** Far above any event that a model sends (an image in base64 is a few MB), far below what hurts a process with many streams. */
const EVENT_CHARS_MAX = 32 * 1024 * 1024;
const NOTHING: readonly SseEvent[] = [];

export function sseDecoder(eventCharsMax = EVENT_CHARS_MAX): SseDecoder {
  // Holds back the bytes of a character that is cut, replaces what is not UTF-8, and drops a byte order mark at the start.
  const decoder = new TextDecoder('utf-8');
  const event = eventBuilder(eventCharsMax);
  let rest = '';
  let afterCarriageReturn = false;

  return {
    retryMs: event.retryMs,
    push(bytes) {
      let text = decoder.decode(bytes, { stream: true });
      if (text === '') return NOTHING;
      if (afterCarriageReturn && text.startsWith('\n')) text = text.slice(1);
      afterCarriageReturn = false;
      if (text.includes('\r')) {
        // The line ends at the CR; a LF that follows it, perhaps in the next read, belongs to the same end.
        afterCarriageReturn = text.endsWith('\r');
        text = text.replace(/\r\n?/g, '\n');
      }

      let end = text.indexOf('\n');
      if (end === -1) {
        // Appending makes a rope and never looks at what is there already, so that a long line in small pieces stays linear.
        rest += text;
        if (rest.length > eventCharsMax) throw tooLong(eventCharsMax);
        return NOTHING;
      }
      const events: SseEvent[] = [];
      let start = 0;
      if (rest !== '') {
        event.line(rest + text.slice(0, end), events);
        start = end + 1;
        end = text.indexOf('\n', start);
      }
      while (end !== -1) {
        event.line(text.slice(start, end), events);
        start = end + 1;
        end = text.indexOf('\n', start);
      }
      rest = text.slice(start);
      return events;
    },
  };
}

type EventBuilder = { readonly line: (line: string, into: SseEvent[]) => void; readonly retryMs: () => number | null };

function eventBuilder(eventCharsMax: number): EventBuilder {
  let data: string | null = null;
  let name = '';
  let id = '';
  let retryMs: number | null = null;

  const take = (field: string, value: string): void => {
    if (field === 'data') {
      data = data === null ? value : `${data}\n${value}`;
      if (data.length > eventCharsMax) throw tooLong(eventCharsMax);
    } else if (field === 'event') name = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^[0-9]+$/.test(value)) retryMs = Number(value);
  };

  return {
    retryMs: () => retryMs,
    line(line, into) {
      if (line === '') {
        if (data !== null) into.push({ event: name || 'message', data, id });
        data = null;
        name = '';
        return;
      }
      const colon = line.indexOf(':');
      if (colon === 0) return;
      if (colon === -1) take(line, '');
      else take(line.slice(0, colon), line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1));
    },
  };
}

function tooLong(charsMax: number): UpstreamError {
  return new UpstreamError('broken', `The provider sent an event of more than ${charsMax} characters.`);
}
