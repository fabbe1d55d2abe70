import { z } from 'zod';

/** The list of models as OpenAI's clients read it, and, with the header `anthropic-version`, as Anthropic's do (CONTRACT 6). */
export const ModelsQuery = z.looseObject({
  limit: z.int().min(1).max(1000).optional().describe("For Anthropic's clients: how many; 20 where unsaid."),
  after_id: z.string().optional().describe('The same: those behind this one.'),
  before_id: z.string().optional().describe('The same: those before this one.'),
});
export type ModelsQuery = z.output<typeof ModelsQuery>;

export const ModelParams = z.strictObject({
  id: z
    .string()
    .min(1)
    .describe('Its name, with slashes as they are or encoded.')
    .meta({ examples: ['demo'] }),
});
export type ModelParams = z.output<typeof ModelParams>;

const tokens = z.int().min(0);
export const OpenaiModel = z
  .strictObject({
    id: z.string().describe('What to send as `model`.'),
    object: z.literal('model'),
    created: z.literal(0).describe('It is not known when.'),
    owned_by: z.string().describe('The provider that runs it.'),
  })
  .meta({ id: 'OpenaiModel' });
export type OpenaiModel = z.output<typeof OpenaiModel>;

export const AnthropicModel = z
  .strictObject({
    type: z.literal('model'),
    id: z.string(),
    display_name: z.string(),
    created_at: z.literal('1970-01-01T00:00:00Z').describe('It is not known when.'),
    max_input_tokens: tokens,
    max_tokens: tokens,
    capabilities: z.null(),
    lifecycle: z.literal('active'),
    line: z.null(),
    deprecated_at: z.null(),
    retires_at: z.null(),
  })
  .meta({ id: 'AnthropicModel' });
export type AnthropicModel = z.output<typeof AnthropicModel>;

export const OpenaiModels = z.strictObject({ object: z.literal('list'), data: z.array(OpenaiModel) }).meta({ id: 'OpenaiModelList' });
export const AnthropicModels = z
  .strictObject({ data: z.array(AnthropicModel), has_more: z.boolean(), first_id: z.string().nullable(), last_id: z.string().nullable() })
  .meta({ id: 'AnthropicModelList' });
