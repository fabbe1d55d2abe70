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
  readonly output?: { readonly name: string; readonly schema: JsonSchema };
  /** Ask upstream for pieces. An answer that nobody reads piecewise is cheaper asked for whole. */
  readonly stream: boolean;
  /** Which of a provider's dialects to speak, where it speaks several. */
  readonly dialect?: Dialect;
};

export type Dialect = 'openai-chat' | 'openai-responses' | 'anthropic-messages';
