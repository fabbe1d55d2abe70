import type { Cancellation } from './cancellation.ts';
import type { FinishReason } from './events.ts';

/** Models that run on this machine, each in a process of its own; the first is the one that `local` alone means. */
export type LocalModels = () => readonly LocalModel[];

export type LocalModel = {
  readonly name: string;
  readonly facts: LocalFacts;
  readonly state: () => LocalState;
  /** Loads it where it is not loaded. Text comes as soon as it is said, never half a character, and the last of it is the end. */
  readonly generate: (asked: LocalAsked, signal: Cancellation) => AsyncIterable<readonly LocalSaid[]>;
  readonly embed: (texts: readonly string[], signal: Cancellation) => Promise<LocalVectors>;
};

/** What its file says of it. */
export type LocalFacts = {
  readonly contextTokens: number;
  /** A model makes vectors or speaks: one that was trained for the one is no good at the other. */
  readonly makes: 'text' | 'vectors';
  /** Why it could not be loaded; null where nothing is known against it. It is named all the same, and tells who asks what is wrong with it. */
  readonly problem: string | null;
};

export type LocalState =
  /** Not in memory; the next call loads it. */
  | { readonly state: 'idle' }
  /** From 0 to 1. */
  | { readonly state: 'loading'; readonly progress: number }
  | { readonly state: 'ready' }
  | { readonly state: 'failed'; readonly why: string };

export type LocalMessage = { readonly role: 'system' | 'user' | 'assistant'; readonly text: string };

export type LocalAsked = {
  readonly messages: readonly LocalMessage[];
  readonly temperature: number;
  readonly topP?: number;
  readonly maxTokens?: number;
  readonly stop: readonly string[];
  readonly seed?: number;
  /** In GBNF: what it says is said in this language. */
  readonly grammar?: string;
};

export type LocalSaid =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'end'; readonly finishReason: FinishReason; readonly inputTokens: number; readonly outputTokens: number };

export type LocalVectors = { readonly vectors: readonly (readonly number[])[]; readonly inputTokens: number };
