import type { JsonSchema } from './json-schema.ts';

export type ContentPart = { readonly type: 'text'; readonly text: string } | { readonly type: 'image'; readonly url: string; readonly detail?: string };

export type Message =
  | { readonly role: 'system' | 'user'; readonly content: string | readonly ContentPart[] }
  | {
      readonly role: 'assistant';
      readonly content: string;
      readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
    }
  | { readonly role: 'tool'; readonly toolCallId: string; readonly content: string };

export type Tool = { readonly name: string; readonly description?: string; readonly parameters: JsonSchema; readonly strict?: boolean };

/** What is asked of a model, whatever dialect the asking came in and the answering goes out in. */
export type ModelRequest = {
  /** The provider's own name for the model. */
  readonly model: string;
  readonly messages: readonly Message[];
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxTokens?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly tools?: readonly Tool[];
  readonly toolChoice?: 'auto' | 'none' | 'required' | { readonly name: string };
  /** At most one tool call in an answer. */
  readonly oneToolCall?: true;
  readonly output?: { readonly name: string; readonly schema: JsonSchema };
  /** How many answers to the same question; one where unsaid. */
  readonly answers?: number;
  /** Ask upstream for pieces. An answer that nobody reads piecewise is cheaper asked for whole. */
  readonly stream: boolean;
  /** Which of a provider's dialects to speak, where it speaks several. */
  readonly dialect?: Dialect;
  /** What the caller sent, where it came in a provider's own dialect. */
  readonly given?: Given;
};

/**
 * A request in the caller's own words. A provider of the same dialect gets them as they came, with all that we do not know; for every other
 * one the request above says the same, but for what is `untold`.
 */
export type Given = {
  readonly dialect: Dialect;
  readonly body: Readonly<Record<string, unknown>>;
  /** The fields of the body that have no words outside of its dialect: who does not speak it cannot be asked. */
  readonly untold: readonly string[];
  /** Headers that belong to the body, such as `anthropic-beta`, in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
};

export type Dialect = 'openai-chat' | 'openai-responses' | 'anthropic-messages';
