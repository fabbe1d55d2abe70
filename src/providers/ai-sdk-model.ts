import { UpstreamError } from '../core/provider.ts';
import { isObject, type JsonObject, textOf } from '../wire/read-json.ts';

/** A model of a package: what it does, by the names that the Vercel AI SDK has for it. */
export type SdkModel = {
  /** Of the interface that it offers: `v2` to `v4`. */
  readonly version: string;
  readonly has: JsonObject;
  readonly run: (operation: Operation, options: JsonObject) => Promise<JsonObject>;
};
export type Operation = 'doGenerate' | 'doStream' | 'doEmbed';

const VERSIONS = ['v2', 'v3', 'v4'];

/** The package's own name for the way to a model has changed over time: the first that it has is taken. */
export function sdkModel(provider: unknown, ways: readonly string[], name: string): SdkModel {
  const makers = membersOf(provider);
  const make = ways.map((way) => makers[way]).find(isFunction) ?? null;
  const model: unknown = make === null ? null : make.call(provider, name);
  if (!isObject(model)) throw new UpstreamError('rejected', 'The package has no models of this kind.', { words: `${name} does not do that` });
  const version = textOf(model['specificationVersion']);
  if (!VERSIONS.includes(version)) {
    throw new UpstreamError('unauthorized', `The package speaks version ${version || 'unknown'} of the AI SDK's interface, and not ${VERSIONS.join(', ')}.`);
  }
  return {
    version,
    has: model,
    async run(operation, options) {
      const work = model[operation];
      if (!isFunction(work)) throw new UpstreamError('rejected', `The package has no ${operation}.`, { words: `${name} does not do that` });
      const outcome: unknown = await work.call(model, options);
      if (!isObject(outcome)) throw new UpstreamError('broken', `The package's ${operation} gave nothing.`);
      return outcome;
    },
  };
}

/** A package's provider is an object, or a function with members. */
function membersOf(provider: unknown): JsonObject {
  return isObject(provider) || isFunction(provider) ? (provider as JsonObject) : {};
}

type Callable = (this: unknown, ...given: readonly unknown[]) => unknown;

function isFunction(value: unknown): value is Callable {
  return typeof value === 'function';
}
