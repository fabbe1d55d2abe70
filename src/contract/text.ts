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

/** The name of something: one line that says something, without what cannot be seen or stored. */
export function lineOfText(max: number): z.ZodType<string> {
  return (
    text(max)
      .check((context) => {
        if (/\p{C}|\p{Zl}|\p{Zp}/u.test(context.value))
          context.issues.push({ code: 'custom', message: 'must be one line of visible characters', input: context.value });
      })
      // A pattern would need \p{C}, which not every reader of the document knows.
      .meta({ format: 'line-of-text' })
  );
}

/** Any text that the database takes, an empty one too: all but the character of no width and no meaning. */
export function storable(max: number): z.ZodType<string> {
  return z
    .string()
    .max(max)
    .regex(/^[^\0]*$/, 'must not have the character NUL');
}

/** An address that we are to call. What comes there is known by its signature, and by no password in it. */
export const WebUrl = z
  .string()
  .max(2000)
  .check((context) => {
    const url = URL.parse(context.value);
    if (url === null || /[\s\p{C}]/u.test(context.value) || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
      context.issues.push({ code: 'custom', message: 'must be an address such as https://example.com/hook, without a password in it', input: context.value });
  })
  .meta({ format: 'uri' });
