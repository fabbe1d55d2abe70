import { z } from 'zod';

/** Files as OpenAI's clients keep them (CONTRACT 6): what a batch is made of and what came of it, and whatever else they keep here. */
export const FILE_BYTES_MAX = 512 * 1024 * 1024;
/** What a form says besides its file. */
export const FORM_BYTES_MAX = 64 * 1024;

const FILE_PURPOSES = ['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals'] as const;
/** Of the files that we make. */
export const BATCH_OUTPUT = 'batch_output';

const HOUR_S = 3600;
const MONTH_S = 30 * 24 * HOUR_S;

export const ExpiresAfter = z.strictObject({
  anchor: z.literal('created_at').describe('What it is counted from.'),
  seconds: z.int().min(HOUR_S).max(MONTH_S).describe('When it goes: after an hour to thirty days.'),
});
export type ExpiresAfter = z.output<typeof ExpiresAfter>;

export const FileForm = z
  .looseObject({
    file: z.string().meta({ format: 'binary' }).describe('Up to 512 MB. Its name may hold every character.'),
    purpose: z.enum(FILE_PURPOSES).describe('`batch` for the input of a batch.'),
    expires_after: ExpiresAfter.optional().describe(
      'As `expires_after[anchor]` and `expires_after[seconds]`. Without it a file of a batch is kept for `retention.files_days`, any other one until it is deleted.',
    ),
  })
  .meta({ id: 'FileForm' });
export type FileForm = z.output<typeof FileForm>;

export const FileObject = z
  .strictObject({
    id: z.string(),
    object: z.literal('file'),
    bytes: z.int().min(0),
    created_at: z.int().describe('Unix seconds.'),
    expires_at: z.int().nullable().describe('Unix seconds; null is never.'),
    filename: z.string(),
    purpose: z.string(),
    status: z.literal('processed'),
    status_details: z.null(),
  })
  .meta({ id: 'File' });
export type FileObject = z.output<typeof FileObject>;

export const FileParams = z.strictObject({ id: z.string().meta({ example: 'file-01k5m2v8y3f7q9a4c6e8g0j2n4' }) });
export type FileParams = z.output<typeof FileParams>;

const LIST_MAX = 10_000;
export const FilesQuery = z.looseObject({
  purpose: z.string().optional().describe('Only those for this.'),
  limit: z.int().min(1).max(LIST_MAX).optional().describe(`${LIST_MAX} where it is left out.`),
  order: z.enum(['asc', 'desc']).optional().describe('Newest first where it is left out.'),
  after: z.string().optional().describe('The `last_id` of the page before.'),
});
export type FilesQuery = z.output<typeof FilesQuery>;
export const FILES_LIMIT = LIST_MAX;

export const FileList = z
  .strictObject({
    object: z.literal('list'),
    data: z.array(FileObject),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })
  .meta({ id: 'FileList' });

export const FileDeleted = z.strictObject({ id: z.string(), object: z.literal('file'), deleted: z.literal(true) }).meta({ id: 'FileDeleted' });
