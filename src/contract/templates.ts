import { z } from 'zod';
import { META } from './generation.ts';
import { text } from './text.ts';

/** Templates and what they are asked with. A version never changes, so what is stored is what was posted. */

const MAX_MESSAGES = 100;
const MAX_CONTENT_CHARS = 100_000;

/** As long as a body may be. */
const INPUT_CHARS_MAX = 10_485_760;

const jsonObject = z.record(z.string(), z.unknown());

export const TEMPLATE_NAME = /^(?!.*_v\d+$)[a-z][a-z0-9_-]*$/;
const nameRule = z
  .string()
  .regex(TEMPLATE_NAME, 'must be lower-case letters, digits, dash and underscore, begin with a letter, and not end in a version')
  .max(64);

const TemplateMessage = z
  .strictObject({
    role: z.enum(['system', 'user', 'assistant']),
    content: text(MAX_CONTENT_CHARS).describe('Text with `{{ placeholders }}`. `\\{{` stands for `{{` itself.'),
  })
  .meta({ id: 'TemplateMessage' });

const TEMPLATE_PARTS = {
  description: z.string().max(2000).optional().describe('What it is for.'),
  messages: z
    .array(TemplateMessage)
    .min(1)
    .max(MAX_MESSAGES)
    .describe('`{{ input }}` is the input of the request; where no message has it, the input is sent as a last message of the user.'),
  parameters: jsonObject
    .optional()
    .describe('JSON Schema (`type: object`) of the parameters; each placeholder besides `input` is one of its properties. `default`s are filled in.'),
  model: text(256).optional().describe('Model to use where a request names none.'),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  max_tokens: z.int().min(1).max(16_384).optional(),
  output: jsonObject.optional().describe('JSON Schema that the answer has to fit; the answer is then JSON text.'),
};

export const NewTemplate = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z][a-z0-9_-]*$/, 'must be lower-case letters, digits, dash and underscore, and begin with a letter')
      .max(74)
      .optional()
      .describe('With its version: `greeting_v2` is refused unless 2 is the next one. Either `id` or `name` is needed.'),
    name: nameRule.optional().describe('Without a version: the next one is given.'),
    ...TEMPLATE_PARTS,
  })
  .meta({ id: 'NewTemplate' });
export type NewTemplate = z.output<typeof NewTemplate>;

/** What the database keeps of a version. */
export const StoredTemplate = z.object({
  description: z.string(),
  messages: z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })),
  parameters: jsonObject,
  model: z.string().optional(),
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  max_tokens: z.number().optional(),
  output: jsonObject.optional(),
});

export const TemplateReply = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    version: z.int().min(1),
    description: z.string(),
    messages: z.array(TemplateMessage),
    parameters: jsonObject,
    model: z.string().nullable(),
    temperature: z.number().nullable(),
    top_p: z.number().nullable(),
    max_tokens: z.int().nullable(),
    output: jsonObject.nullable(),
    placeholders: z.array(z.string()).describe('The names that its messages use.'),
    built_in: z.boolean().describe('Comes with the service and cannot be deleted.'),
    created_at: z.iso.datetime().nullable(),
    created_by: z.string().nullable(),
  })
  .meta({ id: 'Template' });
export type TemplateReply = z.output<typeof TemplateReply>;

export const TemplateCreated = z
  .strictObject({ ...TemplateReply.shape, warnings: z.array(z.string()).describe('What looks like an oversight, such as a parameter that no message uses.') })
  .meta({ id: 'TemplateCreated' });

export const TemplateListQuery = z.strictObject({
  limit: z.int().min(1).max(100).optional().describe('How many; 20 where unsaid.'),
  cursor: z.string().max(512).optional().describe('`next_cursor` of the page before.'),
  name: z.string().max(64).optional().describe('Only the versions of this name.'),
});
export type TemplateListQuery = z.output<typeof TemplateListQuery>;

export const TemplateList = z
  .strictObject({ data: z.array(TemplateReply), has_more: z.boolean(), next_cursor: z.string().nullable() })
  .meta({ id: 'TemplateList' });

export const TemplateParams = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(128)
    .describe('With its version, such as `summarize_v1`; without it, the newest.')
    .meta({ examples: ['summarize_v1'] }),
});
export type TemplateParams = z.output<typeof TemplateParams>;

export const RenderBody = z.strictObject({ input: text(INPUT_CHARS_MAX), parameters: jsonObject.optional() }).meta({ id: 'RenderTemplate' });
export type RenderBody = z.output<typeof RenderBody>;

const RenderedMessage = z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() });

export const RenderReply = z
  .strictObject({
    template_id: z.string(),
    messages: z.array(RenderedMessage),
    parameters: jsonObject.describe('With the defaults filled in.'),
    tokens: z.int().min(0).describe('Estimate of the input tokens.'),
    tokens_estimated: z.literal(true),
  })
  .meta({ id: 'RenderedTemplate' });

export const DiffQuery = z.strictObject({
  against: z.string().min(1).max(128).optional().describe('The template to compare with; the version before where unsaid.'),
});
export type DiffQuery = z.output<typeof DiffQuery>;

const DiffPiece = z.strictObject({ op: z.enum(['same', 'added', 'removed']), text: z.string() });
const ChangedValue = z.strictObject({
  field: z.string().describe('Path, such as `parameters.properties.max_words.default`.'),
  from: z.unknown().describe('Null where it was not there.'),
  to: z.unknown(),
});

export const DiffReply = z
  .strictObject({
    from: z.string(),
    to: z.string(),
    identical: z.boolean(),
    messages: z.array(
      z.strictObject({
        index: z.int().min(0),
        change: z.enum(['same', 'changed', 'added', 'removed']),
        role_from: z.string().nullable(),
        role_to: z.string().nullable(),
        pieces: z.array(DiffPiece).describe('Joined without what was added, the old text; without what was removed, the new one.'),
      }),
    ),
    settings: z.array(ChangedValue).describe('Description, model and sampling.'),
    schemas: z.array(ChangedValue).describe('Parameters and output.'),
  })
  .meta({ id: 'TemplateDiff' });
export type DiffReply = z.output<typeof DiffReply>;

export const TemplateGenerateBody = z
  .strictObject({
    template_id: text(128).describe('With its version, such as `summarize_v1`; without it, the newest.'),
    input: text(INPUT_CHARS_MAX).describe('What the template is about.'),
    parameters: jsonObject.optional().describe('As the template says; `GET /api/v1/templates/{id}` shows them.'),
    model: text(256).optional(),
    temperature: z.number().min(0).max(2).optional(),
    max_tokens: z.int().min(1).max(16_384).optional(),
    debug: z.boolean().optional().describe('Show the messages and settings that were sent.'),
  })
  .meta({ id: 'TemplateGenerateRequest' });
export type TemplateGenerateBody = z.output<typeof TemplateGenerateBody>;

const PromptDebug = z
  .strictObject({
    messages: z.array(RenderedMessage),
    parameters: jsonObject,
    model: z.string(),
    temperature: z.number(),
    top_p: z.number().nullable(),
    max_tokens: z.int(),
    output: jsonObject.nullable(),
  })
  .meta({ id: 'PromptDebug' });

export const TemplateGenerateReply = z
  .strictObject({
    output: z.string().describe('JSON text where the template has an output schema.'),
    template_id: z.string(),
    ...META,
    latency_ms: z.number().min(0),
    prompt_debug: PromptDebug.optional(),
  })
  .meta({ id: 'TemplateGenerateReply' });

export const GenerateGuide = z
  .strictObject({
    description: z.string(),
    method: z.literal('POST'),
    url: z.string(),
    body: z.record(z.string(), z.string()).describe('Each field and what it means.'),
    templates: z.array(z.strictObject({ id: z.string(), description: z.string(), parameters: jsonObject })),
    example: z.strictObject({ body: jsonObject, curl: z.string() }),
  })
  .meta({ id: 'GenerateGuide' });

export const StatusReply = z
  .strictObject({
    app_name: z.string(),
    version: z.string(),
    env: z.enum(['development', 'production']),
    model: z.string().describe('The default model.'),
    models: z.array(z.string()).describe('What can be called.'),
    templates: z.array(z.string()).describe('The newest first; the built-in ones last.'),
    cache: z.strictObject({ size: z.int(), max_entries: z.int(), hits: z.int(), misses: z.int() }),
    cache_size: z.int(),
    uptime_s: z.number(),
    state: z.enum(['starting', 'ready', 'draining']),
    calls_in_flight: z.int(),
    anonymous: z.boolean().describe('Whether the open routes answer without a sign-in.'),
  })
  .meta({ id: 'Status' });
