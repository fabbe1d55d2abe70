import { AppError } from '../contract/errors.ts';
import { type BodyPieces, UpstreamError, type UpstreamResponse } from '../core/provider.ts';
import { textLines } from '../wire/jsonl.ts';
import { type JsonObject, parseObject } from '../wire/read-json.ts';
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
  try {
    for await (const { text } of textLines(chunks, LINE_BYTES_MAX)) yield parseObject(text);
  } catch (cause) {
    throw cause instanceof AppError ? new UpstreamError('broken', `The results of a batch cannot be read: ${cause.message}.`, { cause }) : cause;
  }
}
