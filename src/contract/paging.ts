import { z } from 'zod';

/** Lists in pages, newest first (CONTRACT 3.5). Ids sort by time, so that the last id of a page is the place where the next one begins. */
const LIMIT = 20;
const LIMIT_MAX = 100;
/** What an id is made of. Nothing else is looked for in the database, which does not take every text. */
const ID = /^[A-Za-z0-9_-]{1,64}$/;

export const PAGE_FIELDS = {
  limit: z.int().min(1).max(LIMIT_MAX).optional().describe(`How many; ${LIMIT} where unsaid.`),
  cursor: z.string().regex(ID, 'must be the next_cursor of the page before').optional().describe('`next_cursor` of the page before.'),
};

/** An id that a list is narrowed by. */
export const WantedId = z.string().regex(ID, 'must be an id').optional();

/** What is asked for of a table: one row more than the page holds tells whether there is another. */
export type PagePlace = { readonly rowsMax: number; readonly before: string | undefined };

export function pagePlace({ limit = LIMIT, cursor }: { readonly limit?: number | undefined; readonly cursor?: string | undefined }): PagePlace {
  return { rowsMax: limit + 1, before: cursor };
}

export function pageOf<Row extends { readonly id: string }>(rows: readonly Row[], { rowsMax }: PagePlace): Page<Row> {
  const data = rows.slice(0, rowsMax - 1);
  const hasMore = rows.length === rowsMax;
  return { data, has_more: hasMore, next_cursor: hasMore ? (data.at(-1)?.id ?? null) : null };
}

export type Page<Row> = { readonly data: readonly Row[]; readonly has_more: boolean; readonly next_cursor: string | null };

export function pageSchema<Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ data: z.ZodArray<Item>; has_more: z.ZodBoolean; next_cursor: z.ZodNullable<z.ZodString> }> {
  return z.strictObject({ data: z.array(item), has_more: z.boolean(), next_cursor: z.string().nullable() });
}

/** Whether there can be something with this id. */
export function isId(text: string): boolean {
  return ID.test(text);
}
