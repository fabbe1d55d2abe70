/** One message of a stream as Bedrock sends it; `exception` instead of `event` where the stream breaks off with an error. */
export type EventStreamMessage = { readonly event?: string; readonly exception?: string; readonly payload: unknown };

const TEXT = 7;
const PRELUDE_BYTES = 8;
const CHECKSUM_BYTES = 4;

/** Messages in the binary form of AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html. */
export function eventStream(messages: readonly EventStreamMessage[]): Uint8Array {
  return Buffer.concat(messages.map(encodeMessage));
}

function encodeMessage({ event, exception, payload }: EventStreamMessage): Buffer {
  const kind = exception === undefined ? { ':event-type': event ?? '' } : { ':exception-type': exception };
  const type = exception === undefined ? 'event' : 'exception';
  const headers = encodeHeaders({ ...kind, ':content-type': 'application/json', ':message-type': type });
  const body = Buffer.from(JSON.stringify(payload));
  const prelude = Buffer.alloc(PRELUDE_BYTES);
  prelude.writeUInt32BE(PRELUDE_BYTES + CHECKSUM_BYTES + headers.length + body.length + CHECKSUM_BYTES, 0);
  prelude.writeUInt32BE(headers.length, 4);
  const message = Buffer.concat([prelude, checksum(prelude), headers, body]);
  return Buffer.concat([message, checksum(message)]);
}

function encodeHeaders(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(value.length);
      return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([TEXT]), length, Buffer.from(value)]);
    }),
  );
}

function checksum(bytes: Uint8Array): Buffer {
  const sum = Buffer.alloc(CHECKSUM_BYTES);
  sum.writeUInt32BE(Bun.hash.crc32(bytes));
  return sum;
}
