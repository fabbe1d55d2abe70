import { z } from 'zod';

/**
 * Messages as Anthropic's clients ask for them (CONTRACT 6). Only what we read ourselves is checked; all else passes through to a provider that
 * speaks the same dialect.
 */
const words = z.string();

/** An object whose members depend on its `type`. One of a type that is not listed passes as it is. */
function byType<Type extends z.ZodType<string | null | undefined>>(type: Type, kinds: Readonly<Record<string, z.ZodType>>, usual = '') {
  const known = new Map(Object.entries(kinds));
  return z.looseObject({ type }).check(({ value, issues }) => {
    const kind = known.get((value as { readonly type?: string | null }).type ?? usual);
    for (const issue of kind?.safeParse(value, { reportInput: true }).error?.issues ?? []) issues.push(again(issue));
  });
}

/** Zod puts the way to the object in front of the path that it is given. */
function again(issue: z.core.$ZodIssue): z.core.$ZodRawIssue {
  return { ...issue, path: [...issue.path], input: issue.input } as z.core.$ZodRawIssue;
}

const TextBlock = z.looseObject({ text: words });
const ImageBlock = z.looseObject({
  source: byType(words, { base64: z.looseObject({ media_type: words, data: words }), url: z.looseObject({ url: words }) }),
});
const ResultPart = byType(words, { text: TextBlock, image: ImageBlock });
const Block = byType(words, {
  text: TextBlock,
  image: ImageBlock,
  tool_use: z.looseObject({ id: words, name: words, input: z.looseObject({}) }),
  tool_result: z.looseObject({ tool_use_id: words, content: z.union([words, z.array(ResultPart)]).nullish(), is_error: z.boolean().nullish() }),
});
export type Block = z.output<typeof Block>;

const Turn = z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content: z.union([words, z.array(Block)]) });
export type Turn = z.output<typeof Turn>;

const Tool = byType(
  words.nullish(),
  { custom: z.looseObject({ name: words.min(1), description: words.nullish(), input_schema: z.looseObject({}), strict: z.boolean().nullish() }) },
  'custom',
);
export type MessagesTool = z.output<typeof Tool>;

const chosen = { disable_parallel_tool_use: z.boolean().nullish() };
const ToolChoice = byType(words, {
  auto: z.looseObject(chosen),
  any: z.looseObject(chosen),
  tool: z.looseObject({ name: words, ...chosen }),
});

const Format = byType(words, { json_schema: z.looseObject({ schema: z.looseObject({}) }) });

const ASKED = {
  model: words.min(1).describe('An alias, `provider/model`, or a known name; GET /api/v1/models lists them.'),
  messages: z.array(Turn).min(1),
  system: z.union([words, z.array(byType(words, { text: TextBlock }))]).optional(),
  tools: z.array(Tool).optional(),
  tool_choice: ToolChoice.optional(),
  thinking: byType(words, { enabled: z.looseObject({ budget_tokens: z.int() }) }).optional(),
  output_config: z.looseObject({ format: Format.nullish(), effort: words.nullish() }).optional(),
  output_format: Format.nullish().describe('The older name of `output_config.format`.'),
};

export const MessagesBody = z
  .looseObject({
    ...ASKED,
    max_tokens: z.int().min(0).describe('Longest answer, in tokens. 0 fills the cache of a provider that has one.'),
    stream: z.boolean().optional(),
    stop_sequences: z.array(words).optional(),
    temperature: z.number().min(0).max(1).optional(),
    top_p: z.number().min(0).max(1).optional(),
    top_k: z.int().min(0).optional(),
  })
  .meta({ id: 'MessagesRequest' });
export type MessagesBody = z.output<typeof MessagesBody>;

export const CountTokensBody = z.looseObject(ASKED).meta({ id: 'CountTokensRequest' });
export type CountTokensBody = z.output<typeof CountTokensBody>;

/** The SDKs ask at `?beta=true` when they use what is not for everybody yet. */
export const MessagesQuery = z.looseObject({ beta: words.optional().describe('Passed by; the header `anthropic-beta` names what is wanted.') });

export const MessageReply = z
  .looseObject({
    id: words,
    type: z.literal('message'),
    role: z.literal('assistant'),
    model: words,
    content: z.array(z.looseObject({ type: words })),
    stop_reason: words.nullable(),
    stop_sequence: words.nullable(),
    usage: z.looseObject({ input_tokens: z.int(), output_tokens: z.int() }),
  })
  .meta({ id: 'AnthropicMessage' });

export const CountTokensReply = z.strictObject({ input_tokens: z.int().min(0), context_management: z.null() }).meta({ id: 'CountedTokens' });
