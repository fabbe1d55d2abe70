import { z } from 'zod';

/**
 * A text that must say something. Lengths are in characters as people count them (code points), which is also how JSON Schema counts,
 * and not in the half-characters of JavaScript strings.
 */
export function text(max: number): z.ZodType<string> {
  return z
    .string()
    .check((context) => {
      const { value } = context;
      if (value.trim() === '')
        context.issues.push({ code: 'custom', message: value === '' ? `must have between 1 and ${max} characters` : 'must not be blank', input: value });
      else if (value.length > max && [...value].length > max) {
        context.issues.push({ code: 'too_big', origin: 'string', maximum: max, inclusive: true, input: value });
      }
    })
    .meta({ minLength: 1, maxLength: max, pattern: '\\S' });
}
