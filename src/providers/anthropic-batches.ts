import type { ModelRequest } from '../core/model-request.ts';
import type { BatchResult, BatchSeen, EncodedCall, Found, OurBatch, ProviderBatches } from '../core/provider-batches.ts';
import { type Call, UpstreamError } from '../core/provider.ts';
import { countOf, type JsonObject, listOf, objectOf, parseObject, textOf } from '../wire/read-json.ts';
import type { AnswerCodec } from '../wire/upstream-codec.ts';
import { faultInAnswer, readError } from '../wire/upstream-fault.ts';
import { answered, bodyOf, objectLines, objectOfAnswer } from './batch-pieces.ts';
import type { Upstream } from './upstream.ts';

/**
 * Anthropic's message batches: https://docs.claude.com/en/api/creating-message-batches. A batch is made in one request, and has no place for a name
 * of ours: what shows that it is ours are the custom ids of its results. Whether one that still runs is ours can then only be seen by its time and
 * its number of requests; such a one is waited for.
 */
type AnthropicBatching = {
  readonly url: string;
  readonly upstream: Upstream;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly said: (request: ModelRequest) => { readonly body: JsonObject; readonly own: object | null; readonly codec: AnswerCodec };
};

/** Its own limits of one request. */
const REQUESTS_MAX = 100_000;
const BYTES_MAX = 256 * 1024 * 1024;
const KIND = '/v1/messages';
const AROUND = { before: '{"requests":[', between: ',', after: ']}' };

export function anthropicBatches({ url, upstream, headers, said }: AnthropicBatching): ProviderBatches {
  const urlOf = (id: string, verb = ''): string => `${url}/${encodeURIComponent(id)}${verb}`;

  async function* results({ upstreamId }: Pick<BatchSeen, 'upstreamId'>, call: Call): AsyncGenerator<BatchResult, void> {
    // Not the address that the batch names: our key goes to the provider's own.
    const response = await answered(upstream, upstream.get(urlOf(upstreamId, '/results'), call));
    for await (const line of objectLines(response.chunks())) yield resultOf(line);
  }

  return {
    requestsMax: REQUESTS_MAX,
    // Room for what stands around the requests.
    bytesMax: BYTES_MAX - 1024,
    encode(asked): EncodedCall {
      if (asked.type === 'embed') throw new UpstreamError('rejected', 'Message batches hold no embeddings.');
      const { stream: _, ...params } = said(asked.request).body;
      return { kind: KIND, text: (customId) => JSON.stringify({ custom_id: customId, params }) };
    },
    async create(ours, call) {
      const pieces = bodyOf(ours, AROUND);
      return seenOf(await objectOfAnswer(upstream, upstream.postPieces(url, { type: 'application/json', pieces, headers }, call)));
    },
    async find(ours, call): Promise<Found> {
      const found: BatchSeen[] = [];
      let unclear = false;
      for await (const seen of candidates(upstream, { url, ours, call })) {
        if (seen.outcome === null) unclear = true;
        else if (await hasOurs(results(seen, call), ours)) found.unshift(seen);
      }
      return { ours: found, unclear: unclear && found.length === 0 };
    },
    look: async (id, call) => seenOf(await objectOfAnswer(upstream, upstream.get(urlOf(id), call))),
    async cancel(id, call) {
      await objectOfAnswer(upstream, upstream.post(urlOf(id, '/cancel'), {}, call));
    },
    results,
    decode(_, request, text) {
      const { own, codec } = said(request);
      const events = codec.decodeAnswer(parseObject(text), request.model);
      return own === null ? events : [{ type: 'frame', event: null, data: text }, ...events];
    },
    decodeEmbeddings() {
      throw new UpstreamError('broken', 'Message batches hold no embeddings.');
    },
  };
}

type Listing = { readonly url: string; readonly ours: OurBatch; readonly call: Call };

const PAGE = 100;
/** How far the clocks of both sides may be apart. */
const CLOCKS_APART_MS = 10 * 60 * 1000;

/** The batches that could be ours: made when ours was, of as many requests, and not known to be another one. */
async function* candidates(upstream: Upstream, { url, ours, call }: Listing): AsyncGenerator<BatchSeen, void> {
  const address = new URL(url);
  address.searchParams.set('limit', String(PAGE));
  for (;;) {
    const { data, has_more: hasMore } = await objectOfAnswer(upstream, upstream.get(address.href, call));
    const entries = listOf(data).map(objectOf);
    const recent = entries.filter((entry) => !(Date.parse(textOf(entry['created_at'])) < ours.createdAt - CLOCKS_APART_MS));
    const then = recent.filter((entry) => !(Date.parse(textOf(entry['created_at'])) > ours.triedAt + CLOCKS_APART_MS));
    const alike = then.filter((entry) => sizeOf(objectOf(entry['request_counts'])) === ours.requests).map(seenOf);
    const known = await ours.knownAmong(alike.map(({ upstreamId }) => upstreamId));
    yield* alike.filter(({ upstreamId }) => !known.has(upstreamId));
    const last = textOf(entries.at(-1)?.['id']);
    if (hasMore !== true || recent.length < entries.length || last === '') return;
    address.searchParams.set('after_id', last);
  }
}

/** One look suffices: all requests of a batch have ids of one kind. */
async function hasOurs(results: AsyncIterable<BatchResult>, { id }: OurBatch): Promise<boolean> {
  for await (const { customId } of results) return customId.startsWith(id);
  return false;
}

function sizeOf(counts: JsonObject): number {
  return ['processing', 'succeeded', 'errored', 'canceled', 'expired'].reduce((sum, name) => sum + (countOf(counts[name]) ?? 0), 0);
}

function seenOf(batch: JsonObject): BatchSeen {
  const upstreamId = textOf(batch['id']);
  if (upstreamId === '') throw new UpstreamError('broken', 'The provider made a batch without an id.');
  const status = textOf(batch['processing_status']);
  const counts = objectOf(batch['request_counts']);
  return {
    upstreamId,
    status,
    outcome: status === 'ended' ? outcomeOf(counts) : null,
    inputFileId: null,
    outputFileId: null,
    errorFileId: null,
    results: sizeOf(counts),
    problems: [],
  };
}

function outcomeOf(counts: JsonObject): NonNullable<BatchSeen['outcome']> {
  if (countOf(counts['canceled'])) return 'cancelled';
  return countOf(counts['expired']) ? 'expired' : 'completed';
}

function resultOf(line: JsonObject): BatchResult {
  const customId = textOf(line['custom_id']);
  const result = objectOf(line['result']);
  switch (result['type']) {
    case 'succeeded':
      return { customId, type: 'said', text: JSON.stringify(result['message'] ?? null) };
    case 'canceled':
      return { customId, type: 'unanswered', why: 'cancelled' };
    case 'expired':
      return { customId, type: 'unanswered', why: 'expired' };
    default: {
      // The error as it would stand in the body of an answer, in some answers within one more.
      const error = objectOf(result['error']);
      return { customId, type: 'failed', fault: faultInAnswer(readError(objectOf(error['error'] ?? error))) };
    }
  }
}
