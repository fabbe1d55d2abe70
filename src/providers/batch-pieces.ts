import { type BodyPieces, UpstreamError, type UpstreamResponse } from '../core/provider.ts';
import { isObject, type JsonObject, parseObject } from '../wire/read-json.ts';
import type { Upstream } from './upstream.ts';

/** How batches go to providers and come back: many lines, of which only a few are held at a time. */

type Around = { readonly before: string; readonly between: string; readonly after: string };
type Texts = { readonly requests: number; readonly bytes: number; readonly texts: () => AsyncIterable<readonly string[]> };

/** A body of all requests, with what stands around them. */
export function bodyOf({ requests, bytes, texts }: Texts, around: Around): BodyPieces {
  const { before, between, after } = around;
  const length = Buffer.byteLength(before) + bytes + Math.max(0, requests - 1) * Buffer.byteLength(between) + Buffer.byteLength(after);
  return { length, bytes: written(texts(), around) };
}

async function* written(texts: AsyncIterable<readonly string[]>, { before, between, after }: Around): AsyncGenerator<Uint8Array> {
  let lead = before;
  for await (const some of texts) {
    if (some.length === 0) continue;
    yield Buffer.from(lead + some.join(between));
    lead = between;
  }
  yield Buffer.from(lead === before ? before + after : after);
}

/** An answer that went well. */
export async function answered(upstream: Upstream, asking: Promise<UpstreamResponse>): Promise<UpstreamResponse> {
  const response = await asking;
  if (response.status !== 200) throw upstream.fault(response, await response.text());
  return response;
}

export async function objectOfAnswer(upstream: Upstream, asking: Promise<UpstreamResponse>): Promise<JsonObject> {
  return parseObject(await (await answered(upstream, asking)).text());
}

/** A result is an answer, and no answer that we ask for is longer. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;

/** Each line of an answer as the object that it is. The last one has no need of a line end; half a line is a fault. */
export async function* objectLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<JsonObject, void> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      const line = parseLine([...held, chunk.subarray(from, end)]);
      held = [];
      heldBytes = 0;
      from = end + 1;
      if (line !== null) yield line;
    }
    held.push(chunk.subarray(from));
    heldBytes += chunk.length - from;
    if (heldBytes > LINE_BYTES_MAX) throw new UpstreamError('broken', `A line of the results has more than ${LINE_BYTES_MAX} bytes.`);
  }
  const last = parseLine(held);
  if (last !== null) yield last;
}

const LINE_FEED = 10;

function parseLine(parts: readonly Uint8Array[]): JsonObject | null {
  const text = Buffer.concat(parts).toString().trim();
  if (text === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UpstreamError('broken', 'A line of the results is not JSON, or only a part of one.', { cause: new Error('not JSON', { cause }) });
  }
  if (!isObject(value)) throw new UpstreamError('broken', 'A line of the results is no object.');
  return value;
}
