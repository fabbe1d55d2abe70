import { AppError } from '../contract/errors.ts';
import { isTooDeep, JSON_DEPTH_MAX } from '../core/json-depth.ts';

/** Of a text, without its end; lines are counted from 1, blank ones too. */
export type TextLine = { readonly line: number; readonly text: string };

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const NOT_BLANK = /\S/;
const MB = 1_000_000;

/** The lines of a body, without those that are blank, however its bytes are cut. One that is longer than allowed is refused as soon as it is seen to be. */
export async function* textLines(pieces: AsyncIterable<Uint8Array>, lineBytesMax: number): AsyncGenerator<TextLine, void> {
  const decode = lineDecoder(lineBytesMax);
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let line = 1;
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      const rest = piece.subarray(start, end);
      const text = decode(held.length === 0 ? rest : Buffer.concat([...held, rest]), line);
      held = [];
      heldBytes = 0;
      if (NOT_BLANK.test(text)) yield { line, text };
      line++;
      start = end + 1;
    }
    if (start < piece.length) {
      // A copy: a piece holds until the next one is asked for.
      held.push(Buffer.from(piece.subarray(start)));
      heldBytes += piece.length - start;
      if (heldBytes > lineBytesMax) throw tooLong(line, lineBytesMax);
    }
  }
  const text = decode(Buffer.concat(held), line);
  if (NOT_BLANK.test(text)) yield { line, text };
}

function lineDecoder(lineBytesMax: number): (bytes: Uint8Array, line: number) => string {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  return (bytes, line) => {
    if (bytes.length > lineBytesMax) throw tooLong(line, lineBytesMax);
    try {
      return utf8.decode(bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes);
    } catch {
      throw new AppError('INVALID_JSON', { message: `Line ${line} is not valid UTF-8`, details: { line } });
    }
  };
}

/** The value that stands on a line. */
export function parseLine({ line, text }: TextLine): unknown {
  if (isTooDeep(text)) {
    throw new AppError('INVALID_JSON', {
      message: `Line ${line}: the JSON is nested deeper than ${JSON_DEPTH_MAX} levels`,
      details: { line, max_depth: JSON_DEPTH_MAX },
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be parsed';
    throw new AppError('INVALID_JSON', { message: `Line ${line} is not valid JSON: ${reason}`, details: { line } });
  }
}

export function tooLong(line: number, bytesMax: number): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', { message: `Line ${line} is longer than ${bytesMax / MB} MB`, details: { line, max_bytes: bytesMax } });
}
