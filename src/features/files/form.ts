import { FILE_BYTES_MAX, FORM_BYTES_MAX } from '../../contract/files.ts';
import { AppError } from '../../contract/errors.ts';
import { multipartDecoder, type MultipartEvent } from '../../wire/multipart.ts';
import type { PartHead } from '../../wire/multipart-head.ts';

/** A form, read as it comes: its fields into memory, its file in pieces. */
export type Form = {
  /** Goes on to the next file, past what stands before it; null where none is left, and then all fields are there. */
  readonly nextFile: () => Promise<PartHead | null>;
  /** Of the file at hand, to be read before going on. Throws where it is too long. */
  readonly content: () => AsyncGenerator<Uint8Array, void>;
  readonly fields: ReadonlyMap<string, string>;
};

type Events = AsyncGenerator<MultipartEvent, void>;

export function openForm(pieces: AsyncIterable<Uint8Array>, boundary: string): Form {
  const events = eventsOf(pieces, boundary);
  const fields = new Map<string, string>();
  let bytesLeft = FORM_BYTES_MAX;

  const readField = async ({ name }: PartHead): Promise<void> => {
    const text: Uint8Array[] = [];
    for await (const piece of contentOf(events)) {
      bytesLeft -= piece.length;
      if (bytesLeft < 0) throw new AppError('INVALID_VALUE', { field: name, message: `The fields of a form have no more than ${FORM_BYTES_MAX} bytes` });
      text.push(piece);
    }
    if (fields.has(name)) throw new AppError('INVALID_VALUE', { field: name, message: `${name} is given twice` });
    fields.set(name, Buffer.concat(text).toString());
  };

  return {
    fields,
    async nextFile() {
      for (let next = await events.next(); next.done !== true; next = await events.next()) {
        if (next.value.type !== 'part') continue;
        const { head } = next.value;
        if (head.filename !== null || head.name === 'file') return head;
        await readField(head);
      }
      return null;
    },
    async *content() {
      let bytes = 0;
      for await (const piece of contentOf(events)) {
        bytes += piece.length;
        if (bytes > FILE_BYTES_MAX) {
          throw new AppError('PAYLOAD_TOO_LARGE', { message: 'The file is larger than 512 MB', field: 'file', details: { max_bytes: FILE_BYTES_MAX } });
        }
        yield piece;
      }
    },
  };
}

async function* eventsOf(pieces: AsyncIterable<Uint8Array>, boundary: string): Events {
  const decoder = multipartDecoder(boundary);
  for await (const piece of pieces) yield* decoder.push(piece);
  decoder.end();
}

/** To the end of the part at hand and no further. */
async function* contentOf(events: Events): AsyncGenerator<Uint8Array, void> {
  for (let next = await events.next(); next.done !== true && next.value.type === 'bytes'; next = await events.next()) yield next.value.bytes;
}
