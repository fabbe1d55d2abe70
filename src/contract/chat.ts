import { z } from 'zod';

/**
 * Chat completions as OpenAI's clients ask for them (CONTRACT 6). Only what we read ourselves is checked; all else passes through to a provider
 * that speaks the same dialect.
 */
const words = z.string();

const TextPart = z.looseObject({ type: z.literal('text'), text: words });
const ImagePart = z.looseObject({ type: z.literal('image_url'), image_url: z.looseObject({ url: words.min(1), detail: words.optional() }) });
/** Sound, files, and what comes next. */
const OtherPart = z.looseObject({ type: words });
const Part = z.union([TextPart, ImagePart, OtherPart]);
const Content = z.union([words, z.array(Part)]);

const ToolCall = z.looseObject({
  id: words,
  type: words.optional(),
  function: z.looseObject({ name: words, arguments: words }).optional(),
});

const ChatMessage = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: Content.nullish(),
  tool_calls: z.array(ToolCall).nullish(),
  tool_call_id: words.optional(),
  refusal: words.nullish(),
});
export type ChatMessage = z.output<typeof ChatMessage>;

const ChatTool = z.looseObject({
  type: words,
  function: z
    .looseObject({ name: words.min(1), description: words.nullish(), parameters: z.looseObject({}).nullish(), strict: z.boolean().nullish() })
    .optional(),
});
export type ChatTool = z.output<typeof ChatTool>;

const ResponseFormat = z.looseObject({
  type: z.enum(['text', 'json_object', 'json_schema']),
  json_schema: z.looseObject({ name: words, schema: z.looseObject({}).optional(), strict: z.boolean().nullish() }).optional(),
});

const tokens = z.int().min(1).nullish();

export const ChatBody = z
  .looseObject({
    model: words.min(1).optional().describe('An alias, `provider/model`, or a known name; the default model where it is left out.'),
    messages: z.array(ChatMessage).min(1),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    max_tokens: tokens,
    max_completion_tokens: tokens,
    n: z.int().min(1).max(128).nullish(),
    stop: z.union([words, z.array(words)]).nullish(),
    seed: z.int().nullish(),
    tools: z.array(ChatTool).nullish(),
    tool_choice: z.union([z.enum(['none', 'auto', 'required']), z.looseObject({ type: words, function: z.looseObject({ name: words }).optional() })]).nullish(),
    parallel_tool_calls: z.boolean().nullish(),
    response_format: ResponseFormat.nullish(),
  })
  .meta({ id: 'ChatCompletionRequest' });
export type ChatBody = z.output<typeof ChatBody>;

const ChatUsage = z.looseObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() });
const Choice = z.looseObject({
  index: z.int(),
  message: z.looseObject({ role: z.literal('assistant'), content: words.nullable() }),
  finish_reason: words,
});
export const ChatReply = z
  .looseObject({ id: words, object: z.literal('chat.completion'), created: z.int(), model: words, choices: z.array(Choice).min(1), usage: ChatUsage })
  .meta({ id: 'ChatCompletion' });
