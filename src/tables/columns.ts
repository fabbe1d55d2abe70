import type { ColumnType } from 'kysely';

/** timestamptz: a Date when read, a Date or an ISO string when written. */
export type Timestamp = ColumnType<Date, Date | string, Date | string>;

/** timestamptz with a default. */
export type CreatedAt = ColumnType<Date, Date | string | undefined, Date | string>;

/** jsonb or json: parsed when read, JSON text when written. */
export type Json<T> = ColumnType<T, string, string>;
