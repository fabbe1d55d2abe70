import { LoginBody, MeReply, PasswordBody, RefreshBody, TokensReply } from '../../contract/auth.ts';
import { DATABASE_ERRORS, type Route, route } from '../../http/route.ts';
import { logOut, me } from './account.ts';
import { changePassword } from './change-password.ts';
import { logIn } from './log-in.ts';
import { refresh } from './refresh.ts';

export const authRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/auth/login',
    tag: 'Sign-in',
    summary: 'Sign in',
    description:
      'Takes JSON or the OAuth2 password form. Five wrong passwords a minute for an account from an address, and it is 429 until the minute is over.',
    scope: 'public',
    body: LoginBody,
    example: { username: 'admin', password: 'the password of admin' },
    bodyTypes: ['application/json', 'application/x-www-form-urlencoded'],
    replies: [{ status: 200, description: 'Signed in.', type: 'application/json', schema: TokensReply }],
    errors: ['UNAUTHORIZED', 'RATE_LIMIT_EXCEEDED', ...DATABASE_ERRORS],
    handle: logIn,
  }),
  route({
    method: 'POST',
    path: '/auth/refresh',
    tag: 'Sign-in',
    summary: 'Get the next access token',
    description: 'Each refresh token works once, and its answer holds the next. One that is used twice was copied: the whole sign-in ends.',
    scope: 'public',
    body: RefreshBody,
    example: { refresh_token: 'the newest refresh_token' },
    replies: [{ status: 200, description: 'The next pair.', type: 'application/json', schema: TokensReply }],
    errors: ['UNAUTHORIZED', ...DATABASE_ERRORS],
    handle: refresh,
  }),
  route({
    method: 'POST',
    path: '/auth/logout',
    tag: 'Sign-in',
    summary: 'Sign out',
    description: 'Ends this sign-in: its access and refresh tokens are void everywhere within a second.',
    scope: 'self',
    replies: [{ status: 204, description: 'Signed out.', type: 'text/plain' }],
    errors: DATABASE_ERRORS,
    handle: logOut,
  }),
  route({
    method: 'GET',
    path: '/auth/me',
    tag: 'Sign-in',
    summary: 'Who am I',
    scope: 'self',
    replies: [{ status: 200, description: 'The user of this token.', type: 'application/json', schema: MeReply }],
    errors: DATABASE_ERRORS,
    handle: me,
  }),
  route({
    method: 'POST',
    path: '/auth/password',
    tag: 'Sign-in',
    summary: 'Change your password',
    description: 'Ends every other sign-in of yours.',
    scope: 'self',
    body: PasswordBody,
    example: { current_password: 'the present one', new_password: 'a few words that only you put together' },
    replies: [{ status: 204, description: 'Changed.', type: 'text/plain' }],
    errors: ['CONFLICT', 'RATE_LIMIT_EXCEEDED', ...DATABASE_ERRORS],
    handle: changePassword,
  }),
];
