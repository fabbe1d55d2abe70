import { z } from 'zod';

/** Moderations as OpenAI's clients ask for them (CONTRACT 6): body and answer go through as they come. */
const Part = z.union([z.string(), z.looseObject({ type: z.string() })]);
export const ModerationsBody = z
  .looseObject({
    input: z.union([z.string(), z.array(Part).min(1)]).describe('A text, several, or parts with texts and images.'),
    model: z.string().min(1).optional().describe('Left out, the first model for it that there is.'),
  })
  .meta({ id: 'ModerationsRequest' });
export type ModerationsBody = z.output<typeof ModerationsBody>;

export const ModerationsReply = z
  .looseObject({ id: z.string(), model: z.string(), results: z.array(z.looseObject({ flagged: z.boolean() })) })
  .meta({ id: 'Moderations' });
