import type { LocalAsked, LocalVectors } from '../../core/local-model.ts';

/** What the service and the process of a model say to each other. */
export type ToModel =
  | { readonly type: 'generate'; readonly id: number; readonly asked: LocalAsked }
  | { readonly type: 'embed'; readonly id: number; readonly texts: readonly string[] }
  /** The answer is no longer wanted. An end is said all the same, when the place is free. */
  | { readonly type: 'cancel'; readonly id: number };

export type FromModel =
  | { readonly type: 'loading'; readonly progress: number }
  | { readonly type: 'ready' }
  /** It cannot be loaded, and could not if it was tried again. */
  | { readonly type: 'failed'; readonly why: string }
  | { readonly type: 'text'; readonly id: number; readonly text: string }
  | ({ readonly type: 'end'; readonly id: number } & Ending)
  | ({ readonly type: 'vectors'; readonly id: number } & LocalVectors)
  | ({ readonly type: 'refused'; readonly id: number } & Refusal)
  | { readonly type: 'broken'; readonly id: number; readonly why: string }
  /** Its place is free. */
  | { readonly type: 'over'; readonly id: number };

export type Ending = { readonly finishReason: 'stop' | 'length'; readonly inputTokens: number; readonly outputTokens: number };

/** What is wrong with a question, in words for who asked. */
export type Refusal = { readonly words: string; readonly code: string | null; readonly param: string | null };

/** What a process is started with. */
export type ModelOptions = {
  readonly path: string;
  readonly makes: 'text' | 'vectors';
  readonly threads: number;
  readonly contextTokens: number;
  /** Answers at the same time. */
  readonly parallel: number;
};
