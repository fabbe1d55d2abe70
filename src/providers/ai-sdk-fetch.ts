import { AsyncLocalStorage } from 'node:async_hooks';
import { Canceller } from '../core/cancellation.ts';
import { type Call, UpstreamError, type UpstreamRequest, type UpstreamResponse } from '../core/provider.ts';

export type PackageFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** A call on its way through a package. */
export type Errand = {
  readonly call: Call;
  /** Whether the package has asked anybody. */
  asked: boolean;
  /** What the last one said who was asked aside, where that was no good. */
  aside: UpstreamError | null;
};

export type PackageEgress = {
  /** What a package takes for the `fetch` of the web. */
  readonly fetch: PackageFetch;
  /** What is fetched within `run` goes out by the call's own way. */
  readonly within: <T>(errand: Errand, run: () => T) => T;
};

/**
 * The way out of a provider package: the one that every provider's calls take, to its own origins and nowhere else. The first of them is where
 * models are; the others are what is needed to get there, such as who gives out tokens.
 */
export function packageEgress(origins: readonly string[]): PackageEgress {
  const errands = new AsyncLocalStorage<Errand | null>();

  const fetch: PackageFetch = async (input, init) => {
    const errand = errands.getStore() ?? null;
    const url = new URL(input instanceof Request ? input.url : input);
    if (errand === null) throw new UpstreamError('connect', `The package asked ${url.origin} outside of a call.`);
    if (!origins.includes(url.origin)) throw new UpstreamError('connect', `The package asked ${url.origin}, which is none of its origins.`);
    const upstream = await requestOf(input, init);
    errand.asked = true;
    // A connection outlives the call that it was opened for, and is not to hold it.
    const response = await errands.run(null, () => errand.call.send(upstream));
    if (url.origin !== origins[0]) errand.aside = refusedAside(url.origin, response.status);
    return webResponse(response);
  };

  return { fetch, within: (errand, run) => errands.run(errand, run) };
}

async function requestOf(input: string | URL | Request, init: RequestInit = {}): Promise<UpstreamRequest> {
  const { method, headers, body } = init;
  const request = new Request(input, { ...(method ? { method } : {}), ...(headers ? { headers } : {}), ...(body ? { body } : {}) });
  const text = request.body === null ? undefined : await request.text();
  return {
    method: methodOf(request.method),
    url: request.url,
    headers: Object.fromEntries(request.headers),
    ...(text === undefined ? {} : { body: text }),
    // What a package asks for without a signal, such as a token, may be waited for by other calls: it does not end with the one that began it.
    signal: init.signal ?? new Canceller(),
  };
}

function methodOf(method: string): UpstreamRequest['method'] {
  if (method === 'GET' || method === 'POST' || method === 'DELETE') return method;
  throw new UpstreamError('broken', `The package asked with ${method}, which nobody asks a model with.`);
}

/** Whoever gives out tokens does not like our key, or is not well. */
function refusedAside(origin: string, status: number): UpstreamError | null {
  if (status < 400) return null;
  return new UpstreamError(status === 429 || status >= 500 ? 'failed' : 'unauthorized', `${origin}, which the package needs, answered ${status}.`, { status });
}

/** Those that packages read; an upstream's headers are known by name only. */
const HEADERS = ['content-type', 'date', 'retry-after', 'retry-after-ms', 'request-id', 'x-request-id', 'x-amzn-requestid', 'x-amzn-errortype'];
const WITHOUT_BODY = new Set([204, 205, 304]);

function webResponse(response: UpstreamResponse): Response {
  const headers = new Headers();
  for (const name of HEADERS) {
    const value = response.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(WITHOUT_BODY.has(response.status) ? null : streamOf(response.chunks()), { status: response.status, headers });
}

function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array, unknown> = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const read = await chunks.next();
      if (read.done) controller.close();
      else controller.enqueue(read.value);
    },
    cancel() {
      // Not waited for: where a read is under way, it would be waited for too.
      void chunks.return?.();
    },
  });
}
