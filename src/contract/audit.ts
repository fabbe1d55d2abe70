import { z } from 'zod';
import { PAGE_FIELDS, pageSchema, WantedId } from './paging.ts';
import { lineOfText } from './text.ts';
import { RANGE_FIELDS } from './time-range.ts';

/** Who changed what, when (CONTRACT 4.2). */
const Facts = z.record(z.string(), z.unknown()).nullable();

export const AuditEventReply = z
  .strictObject({
    id: z.string(),
    at: z.iso.datetime(),
    action: z.string().describe('Such as `key.create`, `user.update` or `user.sign_in_refused`.'),
    project_id: z.string(),
    actor: z.strictObject({
      kind: z.enum(['user', 'key', 'anonymous', 'system']),
      id: z.string().nullable(),
      name: z.string().nullable().describe('As it was then.'),
    }),
    target_id: z.string(),
    before: Facts.describe('Of a change what differs, of something that went all.'),
    after: Facts,
    address: z.string().nullable(),
    request_id: z.string().nullable(),
  })
  .meta({ id: 'AuditEvent' });
export type AuditEventReply = z.output<typeof AuditEventReply>;

export const AuditList = pageSchema(AuditEventReply).meta({ id: 'AuditList' });

export const AuditQuery = z.strictObject({
  ...PAGE_FIELDS,
  action: z
    .string()
    .regex(/^[a-z_]+(\.([a-z_]+|\*))?$/, 'must be an action such as key.create, or all of a kind such as key.*')
    .max(64)
    .optional()
    .describe('Only this one, such as `key.create`, or all of a kind: `key.*`.'),
  actor: lineOfText(128).optional().describe('Only what this one did: an id, or a name as it was then.'),
  target: WantedId.describe('Only what was done to this one.'),
  project_id: WantedId.describe('Only what was done in this project.'),
  from: RANGE_FIELDS.from.describe('Only of this day or later, or from this moment on.'),
  to: RANGE_FIELDS.to.describe('Only of this day or earlier, or before this moment.'),
  time_zone: RANGE_FIELDS.time_zone.describe('Where those days begin and end; UTC where it is left out.'),
});
export type AuditQuery = z.output<typeof AuditQuery>;
