import { AppError } from '../contract/errors.ts';
import { tooLong } from './jsonl.ts';

/** A record of a table, and the line on which it begins. */
export type CsvRecord = { readonly line: number; readonly fields: readonly string[] };

export type CsvDecoder = {
  /** The records that these bytes complete. */
  readonly push: (bytes: Uint8Array) => readonly CsvRecord[];
  /** What is left when there are no more bytes; throws where a quoted field is not closed. */
  readonly end: () => readonly CsvRecord[];
};

const [LINE_FEED, CARRIAGE_RETURN, QUOTE, COMMA] = [10, 13, 34, 44];

/**
 * Reads tables by RFC 4180, and what programs write besides: lines that end in LF, CR or CRLF, a byte order mark, blank lines, which say nothing, and
 * quotes in the midst of a field, which are themselves.
 */
export function csvDecoder(recordCharsMax: number): CsvDecoder {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  const reading = newReading(recordCharsMax);
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes ? utf8.decode(bytes, { stream: true }) : utf8.decode();
    } catch {
      throw new AppError('INVALID_VALUE', { message: `Line ${reading.line} is not valid UTF-8`, details: { line: reading.line } });
    }
  };
  return {
    push: (bytes) => read(reading, decode(bytes)),
    end() {
      const records = read(reading, decode());
      if (reading.place === 'quoted') {
        throw new AppError('INVALID_VALUE', { message: `Line ${reading.startedAt}: a quoted field is not closed`, details: { line: reading.startedAt } });
      }
      endRecord(reading, records);
      return records;
    },
  };
}

/** Where the next character stands: before a field, in a plain or a quoted one, or behind a quote that closes one, or is the first of two. */
type Place = 'before' | 'plain' | 'quoted' | 'behind';
type Reading = {
  readonly recordCharsMax: number;
  place: Place;
  field: string;
  fields: string[];
  chars: number;
  line: number;
  /** The line on which the record began. */
  startedAt: number;
  /** Whether a LF that comes now belongs to the line end before it. */
  afterReturn: boolean;
};

function newReading(recordCharsMax: number): Reading {
  return { recordCharsMax, place: 'before', field: '', fields: [], chars: 0, line: 1, startedAt: 1, afterReturn: false };
}

function read(reading: Reading, text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  for (let at = 0; at < text.length;) {
    const next = reading.place === 'quoted' ? quoted(reading, text, at) : unquoted(reading, { text, at, records });
    reading.chars += next - at;
    if (reading.chars > reading.recordCharsMax) throw tooLong(reading.startedAt, reading.recordCharsMax);
    at = next;
  }
  return records;
}

/** Takes what comes up to the next quote, and that. Answers where to go on, as each of these does. */
function quoted(reading: Reading, text: string, at: number): number {
  const end = text.indexOf('"', at);
  const content = text.slice(at, end < 0 ? text.length : end);
  countLines(reading, content);
  reading.field += content;
  if (end < 0) return text.length;
  reading.place = 'behind';
  reading.afterReturn = false;
  return end + 1;
}

function countLines(reading: Reading, content: string): void {
  for (let at = 0; at < content.length; at++) {
    const code = content.charCodeAt(at);
    if (code === CARRIAGE_RETURN || (code === LINE_FEED && !reading.afterReturn)) reading.line++;
    reading.afterReturn = code === CARRIAGE_RETURN;
  }
}

type Found = { readonly text: string; readonly at: number; readonly records: CsvRecord[] };

function unquoted(reading: Reading, { text, at, records }: Found): number {
  const code = text.charCodeAt(at);
  const isSecondOfTwo = code === LINE_FEED && reading.afterReturn;
  reading.afterReturn = code === CARRIAGE_RETURN;
  if (isSecondOfTwo) return at + 1;
  if (code === COMMA) endField(reading);
  else if (code === LINE_FEED || code === CARRIAGE_RETURN) {
    endRecord(reading, records);
    reading.startedAt = ++reading.line;
  } else if (code === QUOTE && reading.place !== 'plain') {
    if (reading.place === 'behind') reading.field += '"';
    reading.place = 'quoted';
  } else return plain(reading, text, at);
  return at + 1;
}

const PLAIN_END = /[,\r\n]/g;

function plain(reading: Reading, text: string, at: number): number {
  if (reading.place === 'behind') {
    const message = `Line ${reading.line}: behind a quoted field stands ${JSON.stringify(text.slice(at, at + 10))}, and not a comma`;
    throw new AppError('INVALID_VALUE', { message, details: { line: reading.line } });
  }
  PLAIN_END.lastIndex = at;
  const end = PLAIN_END.exec(text)?.index ?? text.length;
  reading.field += text.slice(at, end);
  reading.place = 'plain';
  return end;
}

function endField(reading: Reading): void {
  reading.fields.push(reading.field);
  reading.field = '';
  reading.place = 'before';
}

function endRecord(reading: Reading, records: CsvRecord[]): void {
  const isBlank = reading.fields.length === 0 && reading.place === 'before';
  if (!isBlank) {
    endField(reading);
    records.push({ line: reading.startedAt, fields: reading.fields });
  }
  reading.fields = [];
  reading.chars = 0;
}
