import { z } from 'zod';
import { BOUND_FIELDS, OPTIONAL_BOUNDS } from './bounds.ts';
import { PAGE_FIELDS, pageSchema, WantedId } from './paging.ts';
import { lineOfText } from './text.ts';

/** API keys (CONTRACT 4.1, 4.2). */
const OVERLAP_S = 86_400;
const OVERLAP_S_MAX = 30 * 86_400;

const name = lineOfText(100);
const models = z
  .array(lineOfText(256))
  .min(1)
  .max(100)
  .nullable()
  .describe('Names that may be called: aliases, models, or `provider/model`. One of an alias opens all that it leads to. Null is every one.');
const routes = z
  .array(
    z
      .string()
      .max(200)
      .regex(/^\/[^\s*?#]*\*?$/, 'must be a path such as /generate, or its beginning and a star, such as /v1/*'),
  )
  .min(1)
  .max(100)
  .nullable()
  .describe('Paths that may be called: `/generate`, `/v1/*`. Routes that are open to everybody stay so. Null is every one.')
  .meta({ examples: [['/generate', '/v1/*']] });
const expiresAt = z.iso.datetime({ offset: true }).nullable().describe('When it ends; null is never.');

const CHANGEABLE = { expires_at: expiresAt.optional(), allowed_models: models.optional(), allowed_routes: routes.optional(), ...OPTIONAL_BOUNDS };

export const NewKeyBody = z
  .strictObject({
    name: name.describe('What people know it by.'),
    project_id: WantedId.describe("Your own where it is left out; only an administrator names another's."),
    user_id: WantedId.unwrap()
      .nullable()
      .optional()
      .describe(
        'Whose limits and budget it counts against too, and with whose account it ends. You, in your own project; null, which only an administrator may say, is nobody.',
      ),
    ...CHANGEABLE,
  })
  .meta({ id: 'NewKey' });
export type NewKeyBody = z.output<typeof NewKeyBody>;

export const KeyChange = z.strictObject({ name: name.optional(), ...CHANGEABLE }).meta({ id: 'KeyChange' });
export type KeyChange = z.output<typeof KeyChange>;

export const RotateBody = z
  .strictObject({
    overlap_s: z
      .int()
      .min(0)
      .max(OVERLAP_S_MAX)
      .default(OVERLAP_S)
      .describe(`Seconds that the secret before goes on working, so that callers can be changed over; 0 ends it at once.`),
  })
  .meta({ id: 'KeyRotation' });
export type RotateBody = z.output<typeof RotateBody>;

const KEY_FIELDS = {
  id: z.string(),
  name: z.string(),
  prefix: z.string().describe('How its newest secret begins.'),
  project_id: z.string(),
  user_id: z.string().nullable(),
  status: z
    .enum(['active', 'expired', 'resting'])
    .describe('`resting`: its user is disabled, may only look on, or is in another project. It works again when that is over.'),
  expires_at: z.iso.datetime().nullable(),
  allowed_models: z.array(z.string()).nullable(),
  allowed_routes: z.array(z.string()).nullable(),
  ...BOUND_FIELDS,
  overlap_until: z.iso.datetime().nullable().describe('Until when a secret from before a rotation works too.'),
  last_used_at: z.iso.datetime().nullable().describe('To the minute.'),
  created_by: z.string().nullable().describe('The name of the user who made it.'),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
};
export const KeyReply = z.strictObject(KEY_FIELDS).meta({ id: 'Key' });
export type KeyReply = z.output<typeof KeyReply>;

export const KeyWithSecret = z
  .strictObject({ ...KEY_FIELDS, key: z.string().describe('The secret itself: shown now and never again.') })
  .meta({ id: 'KeyWithSecret' });

export const KeyList = pageSchema(KeyReply).meta({ id: 'KeyList' });
export const KeyListQuery = z.strictObject({
  ...PAGE_FIELDS,
  project_id: WantedId.describe('Only those of this project; an administrator sees all.'),
});
export type KeyListQuery = z.output<typeof KeyListQuery>;

export const KeyParams = z.strictObject({ id: z.string().meta({ examples: ['key_01k5m2v8y3f7q9a4c6e8g0j2n4'] }) });
export type KeyParams = z.output<typeof KeyParams>;
