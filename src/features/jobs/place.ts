import { type AppError, invalidValue } from '../../contract/errors.ts';

/** Where in a list, as its query says it. */
type Asked = {
  readonly page?: number | undefined;
  readonly page_size?: number | undefined;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
};

/** What is asked of a table: one row more than the page holds tells whether there is another. */
export type Place = { readonly rowsMax: number; readonly skip: number; readonly after: string | null };

const PAGE_SIZE = 20;

export function placeOf({ page, page_size: size, cursor, limit }: Asked): Place {
  if (page !== undefined && cursor !== undefined) throw together('page', 'cursor');
  if (size !== undefined && limit !== undefined) throw together('page_size', 'limit');
  const rows = size ?? limit ?? PAGE_SIZE;
  return { rowsMax: rows + 1, skip: ((page ?? 1) - 1) * rows, after: cursor ?? null };
}

function together(field: string, other: string): AppError {
  return invalidValue(field, `and ${other} cannot both be given`);
}

type Rows<Row, Shown> = {
  /** With the one too many. */
  readonly rows: readonly Row[];
  readonly total: number | null;
  readonly cursorOf: (row: Row) => string;
  readonly show: (row: Row) => Shown;
};

export type Page<Shown> = {
  readonly data: readonly Shown[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly total: number | null;
  readonly page: number | null;
  readonly page_size: number;
};

export function pageAt<Row, Shown>({ rowsMax, skip, after }: Place, { rows, total, cursorOf, show }: Rows<Row, Shown>): Page<Shown> {
  const size = rowsMax - 1;
  const shown = rows.slice(0, size);
  const hasMore = rows.length === rowsMax;
  const last = shown.at(-1);
  return {
    data: shown.map(show),
    has_more: hasMore,
    next_cursor: hasMore && last !== undefined ? cursorOf(last) : null,
    total,
    page: after === null ? skip / size + 1 : null,
    page_size: size,
  };
}
