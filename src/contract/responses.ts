import { z } from 'zod';

/**
 * Responses as OpenAI's clients ask for them (CONTRACT 6). Only what we read ourselves is checked; all else passes through to a provider that
 * speaks the same dialect.
 */
const words = z.string();

const Part = z.looseObject({ type: words, text: words.optional(), image_url: words.nullish(), detail: words.nullish(), refusal: words.optional() });
export type ResponsePart = z.output<typeof Part>;
const Content = z.union([words, z.array(Part)]);

/** A message may come without its type. */
const Item = z.looseObject({
  type: words.optional(),
  id: words.nullish(),
  role: z.enum(['user', 'assistant', 'system', 'developer']).optional(),
  content: Content.nullish(),
  call_id: words.optional(),
  name: words.optional(),
  arguments: words.optional(),
  output: z.unknown().optional(),
});
export type ResponseItem = z.output<typeof Item>;

const Tool = z.looseObject({
  type: words,
  name: words.min(1).optional(),
  description: words.nullish(),
  parameters: z.looseObject({}).nullish(),
  strict: z.boolean().nullish(),
});
export type ResponseTool = z.output<typeof Tool>;

const Format = z.looseObject({
  type: z.enum(['text', 'json_object', 'json_schema']),
  name: words.optional(),
  schema: z.looseObject({}).optional(),
  strict: z.boolean().nullish(),
});

export const ResponsesBody = z
  .looseObject({
    model: words.min(1).optional().describe('An alias, `provider/model`, or a known name; the default model where it is left out.'),
    input: z.union([words, z.array(Item).min(1)]).optional(),
    instructions: words.nullish(),
    stream: z.boolean().nullish(),
    store: z.boolean().nullish().describe('`false` stores nothing; otherwise the response is kept for 30 days.'),
    background: z.boolean().nullish().describe('Answers at once; the response goes on by itself.'),
    previous_response_id: words.min(1).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    max_output_tokens: z.int().min(1).nullish(),
    tools: z.array(Tool).nullish(),
    tool_choice: z.union([z.enum(['none', 'auto', 'required']), z.looseObject({ type: words, name: words.optional() })]).nullish(),
    parallel_tool_calls: z.boolean().nullish(),
    text: z.looseObject({ format: Format.nullish() }).nullish(),
    reasoning: z.looseObject({ effort: words.nullish() }).nullish(),
  })
  .meta({ id: 'ResponsesRequest' });
export type ResponsesBody = z.output<typeof ResponsesBody>;

export const ResponseReply = z
  .looseObject({
    id: words,
    object: z.literal('response'),
    created_at: z.number(),
    status: z.enum(['completed', 'failed', 'in_progress', 'cancelled', 'queued', 'incomplete']),
    model: words,
    output: z.array(z.looseObject({ type: words })),
  })
  .meta({ id: 'Response' });

export const ResponseParams = z.strictObject({ id: words.meta({ example: 'resp_01k5m2v8y3f7q9a4c6e8g0j2n4' }) });
export type ResponseParams = z.output<typeof ResponseParams>;

export const ResponseQuery = z.looseObject({
  stream: z.boolean().optional().describe('`true` streams the events of a response in the background, until ten minutes after its end.'),
  starting_after: z.int().min(-1).optional().describe('Goes on behind the event of this `sequence_number`.'),
});
export type ResponseQuery = z.output<typeof ResponseQuery>;

export const ResponseItemsQuery = z.looseObject({
  limit: z.int().min(1).max(100).optional().describe('20 where it is left out.'),
  order: z.enum(['asc', 'desc']).optional().describe('Newest first where it is left out.'),
  after: words.optional().describe('The `last_id` of the page before.'),
});
export type ResponseItemsQuery = z.output<typeof ResponseItemsQuery>;

export const ResponseItems = z
  .strictObject({
    object: z.literal('list'),
    data: z.array(z.looseObject({ id: words, type: words })),
    first_id: words.nullable(),
    last_id: words.nullable(),
    has_more: z.boolean(),
  })
  .meta({ id: 'ResponseItems' });

export const ResponseDeleted = z.strictObject({ id: words, object: z.literal('response'), deleted: z.literal(true) }).meta({ id: 'ResponseDeleted' });
