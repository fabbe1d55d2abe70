import { z } from 'zod';
import { PASSWORD_CHARS_MAX } from './auth.ts';
import { BOUND_FIELDS, OPTIONAL_BOUNDS } from './bounds.ts';
import { PAGE_FIELDS, pageSchema, WantedId } from './paging.ts';
import { lineOfText } from './text.ts';

/** Users, as administrators see them (CONTRACT 4.2). */
const role = z
  .enum(['admin', 'member', 'viewer'])
  .describe('`member` may do all that concerns the project, `viewer` only look, `admin` everything everywhere.');
const username = lineOfText(128).check((context) => {
  const { value } = context;
  if (value !== value.trim()) context.issues.push({ code: 'custom', message: 'must not begin or end with a space', input: value });
});
const password = z.string().min(1).max(PASSWORD_CHARS_MAX).optional();

export const NewUserBody = z
  .strictObject({
    username: username.describe('Without regard to case there is one of it.'),
    role,
    password: password.describe('Where it is left out, one is made and shown in the answer, once.'),
    project_id: WantedId.describe('The default project where it is left out.'),
    ...OPTIONAL_BOUNDS,
  })
  .meta({ id: 'NewUser' });
export type NewUserBody = z.output<typeof NewUserBody>;

export const UserChange = z
  .strictObject({
    role: role.optional(),
    disabled: z.boolean().optional().describe('Ends every sign-in within a second, and the keys of the user rest.'),
    project_id: WantedId.describe('Keys stay with the project that they were made for, and rest.'),
    password: password.describe('A new one. It ends every sign-in of the user.'),
    reset_password: z.boolean().optional().describe('Makes a new one, and shows it in the answer, once.'),
    ...OPTIONAL_BOUNDS,
  })
  .meta({ id: 'UserChange' });
export type UserChange = z.output<typeof UserChange>;

const USER_FIELDS = {
  id: z.string(),
  username: z.string(),
  role,
  project_id: z.string(),
  disabled: z.boolean(),
  ...BOUND_FIELDS,
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
};
export const UserReply = z.strictObject(USER_FIELDS).meta({ id: 'User' });
export type UserReply = z.output<typeof UserReply>;

export const UserWithPassword = z
  .strictObject({ ...USER_FIELDS, password: z.string().optional().describe('Only where it was made just now: it is nowhere else and not shown again.') })
  .meta({ id: 'UserWithPassword' });

export const UserList = pageSchema(UserReply).meta({ id: 'UserList' });
export const UserListQuery = z.strictObject({ ...PAGE_FIELDS, project_id: WantedId.describe('Only those of this project.') });
export type UserListQuery = z.output<typeof UserListQuery>;

export const UserParams = z.strictObject({ id: z.string().meta({ examples: ['usr_01k5m2v8y3f7q9a4c6e8g0j2n4'] }) });
export type UserParams = z.output<typeof UserParams>;
