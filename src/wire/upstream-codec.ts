import type { Frame, ModelEvent } from '../core/events.ts';
import type { ModelRequest } from '../core/model-request.ts';
import { UpstreamError } from '../core/provider.ts';
import type { JsonObject } from './read-json.ts';
import type { SseEvent } from './sse.ts';

/** How an upstream's answers are read in the dialect that it was asked in. */
export type AnswerCodec = {
  /** The events of a whole answer. `model` names it where the answer does not. */
  readonly decodeAnswer: (answer: JsonObject, model: string) => readonly ModelEvent[];
  readonly streamDecoder: (model: string) => StreamDecoder;
};

/** A dialect of OpenAI's as we speak it toward an upstream. */
export type UpstreamCodec = AnswerCodec & {
  /** Below the provider's base address. */
  readonly path: '/chat/completions' | '/responses';
  /** Whether this dialect has words for all that is asked. */
  readonly canSay: (request: ModelRequest) => boolean;
  readonly encodeRequest: (request: ModelRequest, traits: ModelTraits) => JsonObject;
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

/** An event of a stream as it came. */
export function frameOf({ event, data }: SseEvent): Frame {
  return { type: 'frame', event: event === 'message' ? null : event, data };
}

/** What a caller sent in the upstream's own dialect, under the name that the upstream has for the model. */
export function givenBody(given: JsonObject, { model, stream }: Pick<ModelRequest, 'model' | 'stream'>): Record<string, unknown> {
  return { ...given, model, ...(stream || given['stream'] !== undefined ? { stream } : {}) };
}
