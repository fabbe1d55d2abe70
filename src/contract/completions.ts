import { z } from 'zod';

/** Completions, which OpenAI's clients asked for before there was chat (CONTRACT 6). They are answered by chat with the prompt as its one message. */
const words = z.string();

export const CompletionBody = z
  .looseObject({
    model: words.min(1).optional().describe('An alias, `provider/model`, or a known name; the default model where it is left out.'),
    prompt: z.union([words.min(1), z.array(words.min(1)).min(1).max(1)]).describe('A text, or a list of one.'),
    max_tokens: z.int().min(1).nullish().describe('Longest answer, in tokens; 16 where unsaid, as ever.'),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    stop: z.union([words, z.array(words)]).nullish(),
    seed: z.int().nullish(),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  })
  .meta({ id: 'CompletionRequest' });
export type CompletionBody = z.output<typeof CompletionBody>;

const Choice = z.strictObject({ text: words, index: z.literal(0), logprobs: z.null(), finish_reason: words });
export const CompletionReply = z
  .strictObject({
    id: words,
    object: z.literal('text_completion'),
    created: z.int(),
    model: words,
    choices: z.array(Choice).length(1),
    usage: z.strictObject({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() }),
  })
  .meta({ id: 'Completion' });
