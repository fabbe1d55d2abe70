import type { DocumentName } from './document.ts';

/** Where the documents say what a body has to look like. */
export type Schema = { readonly document: DocumentName; readonly at: string };

const openai = (name: string): Schema => ({ document: 'openai', at: `#/components/schemas/${name}` });
const anthropic = (name: string): Schema => ({ document: 'anthropic', at: `#/components/schemas/${name}` });
const openResponses = (at: string): Schema => ({ document: 'open-responses', at: `#/${at}` });

export const OPENAI_ERROR = openai('ErrorResponse');
export const ANTHROPIC_ERROR = anthropic('ErrorResponse');

/** What a route answers with, whole and in events, and in which words it refuses. */
export type Said = { readonly whole: readonly Schema[]; readonly events: readonly Schema[]; readonly error: Schema };

const whole = (...schemas: readonly Schema[]): Said => ({ whole: schemas, events: [], error: OPENAI_ERROR });

export const SAID = {
  chat: { ...whole(openai('CreateChatCompletionResponse')), events: [openai('CreateChatCompletionStreamResponse')] },
  // Its chunks have no schema of their own: "both the streamed and non-streamed response objects share the same shape".
  completions: { ...whole(openai('CreateCompletionResponse')), events: [openai('CreateCompletionResponse')] },
  responses: {
    ...whole(openai('Response'), openResponses('components/schemas/ResponseResource')),
    events: [openai('ResponseStreamEvent'), openResponses('paths/~1responses/post/responses/200/content/text~1event-stream/schema')],
  },
  // What a stored response was asked with is not in the document of Open Responses; the body of a deletion is in neither.
  inputItems: whole(openai('ResponseItemList')),
  embeddings: whole(openai('CreateEmbeddingResponse')),
  moderations: whole(openai('CreateModerationResponse')),
  models: whole(openai('ListModelsResponse')),
  model: whole(openai('Model')),
  messages: { whole: [anthropic('Message')], events: [anthropic('MessageStreamEvent')], error: ANTHROPIC_ERROR },
  countTokens: { whole: [anthropic('CountMessageTokensResponse')], events: [], error: ANTHROPIC_ERROR },
  anthropicModels: { whole: [anthropic('ListResponse_ModelInfo_')], events: [], error: ANTHROPIC_ERROR },
  anthropicModel: { whole: [anthropic('ModelInfo')], events: [], error: ANTHROPIC_ERROR },
} satisfies Readonly<Record<string, Said>>;
export type Kind = keyof typeof SAID;

/** The events that have to come by for the documents to have been asked of each. */
export const EVENTS_SAID = {
  responses: [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.refusal.delta',
    'response.refusal.done',
    'response.reasoning_summary_part.added',
    'response.reasoning_summary_text.delta',
    'response.reasoning_summary_text.done',
    'response.reasoning_summary_part.done',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.done',
    'response.output_item.done',
    'response.completed',
    'response.incomplete',
    'response.failed',
    'error',
  ],
  messages: ['message_start', 'ping', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop', 'error'],
} satisfies Partial<Record<Kind, readonly string[]>>;
