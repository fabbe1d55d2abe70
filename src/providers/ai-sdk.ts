import type { ProviderEntry } from '../contract/config-file.ts';
import type { EventBatches } from '../core/events.ts';
import { orAborted } from '../core/or-aborted.ts';
import { type Call, type ModelFacts, type Provider, UpstreamError } from '../core/provider.ts';
import { isObject, type JsonObject, listOf } from '../wire/read-json.ts';
import { partReader, wholeAnswer } from './ai-sdk-answer.ts';
import { embedByPackage } from './ai-sdk-embed.ts';
import { faultOfPackage } from './ai-sdk-fault.ts';
import { type Errand, type PackageEgress, packageEgress } from './ai-sdk-fetch.ts';
import { type Operation, type SdkModel, sdkModel } from './ai-sdk-model.ts';
import { type PackageModule, packageSetup } from './ai-sdk-packages.ts';
import { callOptions, cannotSay } from './ai-sdk-prompt.ts';
import { redactor } from './upstream.ts';

type AiSdkOptions = {
  readonly id: string;
  readonly entry: ProviderEntry;
  /** What the entry's package exports. */
  readonly module: PackageModule;
  readonly models: readonly ModelFacts[];
  readonly describe: (model: string) => ModelFacts;
};

/** Whatever a provider package of the Vercel AI SDK speaks to: https://ai-sdk.dev/providers. */
export function aiSdkProvider({ id, entry, module, models, describe }: AiSdkOptions): Provider {
  const { origins, dimensions, make } = packageSetup(entry.package ?? '', entry, module);
  const [origin, ...asideOrigins] = origins;
  const egress = packageEgress(origins);
  const sdk = make(egress.fetch);
  const begin = beginner(egress, redactor(secretsOf(entry)));

  return {
    id,
    origin,
    asideOrigins,
    models,
    open: true,
    describe,
    async *chat(request, call) {
      const { ask, fault, end } = begin(call);
      try {
        const model = sdkModel(sdk, ['languageModel'], request.model);
        const options = callOptions(request, model.version);
        if (request.stream) yield* streamed(await ask(model, 'doStream', options), request.model);
        else yield wholeAnswer(await ask(model, 'doGenerate', options), request.model);
      } catch (cause) {
        throw fault(cause);
      } finally {
        end();
      }
    },
    async embed(request, call) {
      const { ask, fault, end } = begin(call);
      try {
        const model = sdkModel(sdk, ['embeddingModel', 'textEmbeddingModel'], request.model);
        const providerOptions = request.dimensions === undefined ? {} : dimensions?.(request.dimensions);
        if (providerOptions === undefined) throw cannotSay('the length of an embedding');
        return await embedByPackage(model, request, (options) => ask(model, 'doEmbed', { ...options, providerOptions }));
      } catch (cause) {
        throw fault(cause);
      } finally {
        end();
      }
    },
    check: (call) => reached(entry.base_url ?? `${origin}/`, call),
  };
}

/** Packages have nothing cheap to ask. Whoever answers at all can be reached; whether the key is good, the first call shows. */
async function reached(url: string, call: Call): Promise<void> {
  const response = await call.send({ method: 'GET', url, headers: { 'user-agent': 'sluice' }, signal: call.signal });
  await response.text();
  const { status } = response;
  if (status >= 500) throw new UpstreamError('failed', `The provider answered ${status}.`, { status });
}

/** One call of a package's. */
type Begun = {
  readonly ask: (model: SdkModel, operation: Operation, options: JsonObject) => Promise<JsonObject>;
  readonly fault: (cause: unknown) => unknown;
  readonly end: () => void;
};

/** What the package fetches for a call is the call's, what it throws is said in our words, and the end of the call ends both. */
function beginner(egress: PackageEgress, redact: (error: UpstreamError) => UpstreamError): (call: Call) => Begun {
  return (call) => {
    const errand: Errand = { call, asked: false, aside: null };
    const { signal, end } = endingWith(call);
    return {
      // A package may wait for something that goes on without its signal.
      ask: (model, operation, options) =>
        orAborted(
          egress.within(errand, () => model.run(operation, { ...options, abortSignal: signal })),
          call.signal,
        ),
      fault(cause) {
        const fault = faultOfPackage(cause, errand);
        return fault instanceof UpstreamError ? redact(fault) : fault;
      },
      end,
    };
  };
}

async function* streamed({ stream }: JsonObject, model: string): EventBatches {
  if (!(stream instanceof ReadableStream)) throw new UpstreamError('broken', 'The package gave no stream.');
  const parts: ReadableStreamDefaultReader<unknown> = stream.getReader();
  const reader = partReader(model);
  try {
    // To the end of the stream and not only of the answer: a body that is read to its end leaves a connection for the next call.
    for (let read = await parts.read(); !read.done; read = await parts.read()) {
      const events = reader.read(read.value);
      if (events.length > 0) yield events;
    }
    if (!reader.ended()) throw new UpstreamError('broken', 'The stream stopped before its end.');
  } finally {
    // Where it was not read to its end. What it says to that is nothing to us.
    void parts.cancel().catch(() => undefined);
  }
}

/** The signal of the web that packages take, aborted when the call's is, or when nobody needs the answer any more. */
function endingWith({ signal }: Call): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    end() {
      signal.removeEventListener('abort', abort);
      controller.abort();
    },
  };
}

/** What of an entry is nobody's business: its key, its headers, and all options; the names of regions and projects hide behind nothing. */
function secretsOf({ api_key: apiKey = '', headers = {}, options = {} }: ProviderEntry): readonly string[] {
  return [apiKey, ...Object.values(headers), ...secretOptions(options)];
}

const SECRET = /key|secret|token|password|credential/i;

function secretOptions(options: JsonObject): readonly string[] {
  return Object.entries(options).flatMap(([name, value]) => (SECRET.test(name) ? textsIn(value) : secretOptions(isObject(value) ? value : {})));
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return (isObject(value) ? Object.values(value) : listOf(value)).flatMap(textsIn);
}
