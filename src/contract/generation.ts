import { z } from 'zod';
import { text } from './text.ts';

/** What every model answer on the native surface says besides its text. */
export const UsageReply = z
  .strictObject({
    input_tokens: z.int().min(0),
    output_tokens: z.int().min(0),
    total_tokens: z.int().min(0),
    cached_input_tokens: z.int().min(0).optional().describe('Part of input_tokens that the provider had cached.'),
    reasoning_tokens: z.int().min(0).optional().describe('Part of output_tokens that the model thought with.'),
    estimated: z.literal(true).optional().describe('Counted by Sluice, because the provider gave no usage.'),
  })
  .meta({ id: 'Usage' });

export const META = {
  model: z.string().describe('The model that answered.'),
  usage: UsageReply,
  cached: z.boolean().describe('Whether the answer came out of the cache.'),
  cost_usd: z.number().min(0),
  request_id: z.string(),
};

export type Meta = {
  readonly model: string;
  readonly usage: z.output<typeof UsageReply>;
  readonly cached: boolean;
  readonly cost_usd: number;
  readonly request_id: string;
};

/** The data of a native stream's `event: done`. */
export const StreamDone = z.strictObject({ ...META, finish_reason: z.enum(['stop', 'length', 'tool_calls', 'content_filter']) }).meta({ id: 'StreamDone' });

export const StreamQuery = z.strictObject({
  stream: z.boolean().optional().describe('`true` answers in Server-Sent Events, or as raw text with `Accept: text/plain`.'),
});
export type StreamQuery = z.output<typeof StreamQuery>;

export const GenerateReply = z.strictObject({ response: z.string(), ...META }).meta({ id: 'GenerateReply' });

type GenerateLimits = { readonly promptCharsMax: number; readonly tokensMax: number };

/** The body of /generate and /local/generate; how long a prompt may be is a setting. */
export function generateRequest({ promptCharsMax, tokensMax }: GenerateLimits) {
  return z.strictObject({
    prompt: text(promptCharsMax).describe('What is asked.'),
    temperature: z.number().min(0).max(2).optional().describe('0 is the most predictable, 2 the most surprising.'),
    top_p: z.number().min(0).max(1).optional(),
    max_tokens: z.int().min(1).max(tokensMax).optional().describe('Longest answer, in tokens.'),
    model: text(200).optional().describe('An alias, `provider/model`, or a known name; GET /api/v1/models lists them.'),
    system: z.string().max(100_000).optional().describe('Instructions that come before the prompt.'),
  });
}
export type GenerateRequest = z.output<ReturnType<typeof generateRequest>>;
