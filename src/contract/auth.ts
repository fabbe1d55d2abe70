import { z } from 'zod';
import { text } from './text.ts';

/** Signing in and out (CONTRACT 4.1). */

export const PASSWORD_CHARS_MAX = 1024;
/** Not trimmed and not blank-checked: spaces are part of a password. */
const password = z.string().min(1).max(PASSWORD_CHARS_MAX);
const ignored = z.string().max(1000).optional();

export const LoginBody = z
  .strictObject({
    username: text(128),
    password,
    grant_type: z.enum(['password']).optional().describe('What the OAuth2 password form sends; it may be left out.'),
    scope: ignored.describe('Part of the OAuth2 form; the role decides what you may do.'),
    client_id: ignored.describe('Part of the OAuth2 form; not used.'),
    client_secret: ignored.describe('Part of the OAuth2 form; not used.'),
  })
  .meta({ id: 'Login' });
export type LoginBody = z.output<typeof LoginBody>;

export const RefreshBody = z.strictObject({ refresh_token: text(1024).describe('The newest one: each works once.') }).meta({ id: 'Refresh' });
export type RefreshBody = z.output<typeof RefreshBody>;

export const TokensReply = z
  .strictObject({
    access_token: z.string().describe('Send it as `Authorization: Bearer …`.'),
    token_type: z.literal('bearer'),
    expires_in: z.int().min(0).describe('Seconds that the access token is good for.'),
    refresh_token: z.string().describe('Gets the next pair, once. Used twice, it ends the whole sign-in.'),
  })
  .meta({ id: 'Tokens' });
export type TokensReply = z.output<typeof TokensReply>;

export const MeReply = z
  .strictObject({
    id: z.string(),
    username: z.string(),
    role: z.enum(['admin', 'member', 'viewer']),
    project_id: z.string(),
    created_at: z.iso.datetime(),
    session: z.strictObject({ id: z.string(), created_at: z.iso.datetime(), expires_at: z.iso.datetime() }).describe('The sign-in that this token belongs to.'),
  })
  .meta({ id: 'Me' });
export type MeReply = z.output<typeof MeReply>;

export const PasswordBody = z
  .strictObject({
    current_password: password,
    new_password: password.describe('In production at least 15 characters and not one that is easily guessed; in development at least 4.'),
  })
  .meta({ id: 'PasswordChange' });
export type PasswordBody = z.output<typeof PasswordBody>;
