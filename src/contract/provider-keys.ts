import { z } from 'zod';

export const BoundedKey = z.strictObject({
  key: z.string().min(1),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/, 'lower-case letters, digits, dot, dash and underscore')
    .max(64)
    .optional()
    .describe('What it is called where it is shown; without one, it is its number and its last letters.'),
  weight: z.number().positive().max(1000).default(1).describe('How many of the calls it gets, beside the weights of the others.'),
  rpm: z.int().min(1).max(10_000_000).optional().describe('Most calls by it a minute, from each process.'),
  max_parallel: z.int().min(1).max(100_000).optional().describe('Most calls by it at a time, from each process.'),
});
const OneKey = z.union([z.string().min(1).describe('A key; `${NAME}` reads the environment variable NAME.'), BoundedKey]);

/** Several keys of one provider: their calls are spread over them. */
export const ProviderKeys = z
  .array(OneKey)
  .min(1)
  .max(100)
  .superRefine((keys, context) => {
    const seen = new Set<string>();
    for (const [index, each] of keys.entries()) {
      const { key, name } = typeof each === 'string' ? { key: each, name: undefined } : each;
      if (seen.has(`key ${key}`)) context.addIssue({ code: 'custom', path: [index], message: 'is there twice' });
      if (name !== undefined && seen.has(`name ${name}`))
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is the name of another key too' });
      seen.add(`key ${key}`).add(`name ${name}`);
    }
  });
