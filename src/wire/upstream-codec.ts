import type { ModelEvent } from '../core/events.ts';
import type { ModelRequest } from '../core/model-request.ts';
import { UpstreamError } from '../core/provider.ts';
import type { JsonObject } from './read-json.ts';
import type { SseEvent } from './sse.ts';

/** A dialect as we speak it toward an upstream. */
export type UpstreamCodec = {
  /** Below the provider's base address. */
  readonly path: '/chat/completions' | '/responses';
  /** Whether this dialect has words for all that is asked. */
  readonly canSay: (request: ModelRequest) => boolean;
  readonly encodeRequest: (request: ModelRequest, traits: ModelTraits) => JsonObject;
  /** The events of a whole answer. `model` names it where the answer does not. */
  readonly decodeAnswer: (answer: JsonObject, model: string) => readonly ModelEvent[];
  readonly streamDecoder: (model: string) => StreamDecoder;
};

/** What decides how a model wants to be asked. */
export type ModelTraits = {
  /** Thinks before it answers: takes no sampling parameters, and counts its thinking into the longest answer. */
  readonly reasoning: boolean;
};

export type StreamDecoder = {
  readonly push: (event: SseEvent) => readonly ModelEvent[];
  /** Whether the stream has said its end; what comes after it is nothing to us. */
  readonly ended: () => boolean;
  /** To be called when the body is over: throws unless the stream has said its end. */
  readonly end: () => void;
};

export function cutOff(): UpstreamError {
  return new UpstreamError('broken', 'The stream stopped before its end.');
}
