import type { Kysely } from 'kysely';
import type { Surface } from '../contract/errors.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { LedgerRow } from '../core/ledger-row.ts';
import type { ProjectDatabase } from '../tables.ts';

/** What was said, where the configuration says to keep it: never in anybody's way, and never a reason for a call to fail. */
export type Bodies = { readonly keep: (said: Said) => void };

export type Said = {
  /** Of the call in the ledger, and its time: Unix milliseconds. */
  readonly id: string;
  readonly atMs: number;
  readonly projectId: string;
  readonly outcome: LedgerRow['outcome'];
  readonly request: object;
  /** As far as it came; null where nothing did. */
  readonly answer: object | null;
};

/** Streams that are kept while they are made, so that their callers can take them up again. */
export type Streams = {
  /** Keeps what `produce` adds, to its end. `cancel` is called when somebody, perhaps on another process, wants it ended. */
  readonly record: (stream: StreamHead, produce: (add: (events: readonly string[]) => void) => Promise<void>, cancel: () => void) => Promise<void>;
  /** Null where this caller has none of this id. */
  readonly find: (id: string, projectId: string, caller: string) => Promise<Pick<StreamHead, 'surface' | 'requestId'> | null>;
  /** Its events behind the one of this number, as they come; on any process. Throws where the process that made it is gone. */
  readonly follow: (stream: Pick<StreamHead, 'id' | 'projectId'>, after: number, signal: Cancellation) => AsyncGenerator<readonly string[]>;
  readonly cancel: (stream: Pick<StreamHead, 'id' | 'projectId'>) => Promise<void>;
};

export type StreamHead = { readonly id: string; readonly projectId: string; readonly caller: string; readonly surface: Surface; readonly requestId: string };

/** Files that callers keep here, on disk or in S3-compatible storage. */
export type Files = {
  /** Takes in all that comes, or throws and leaves nothing behind. */
  readonly put: (projectId: string, content: AsyncIterable<Uint8Array>, keeping: KeepFile) => Promise<StoredFile>;
  /** Throws in the midst of it where the storage does not have all of it. A piece holds until the next one is asked for. */
  readonly read: (file: Pick<StoredFile, 'id' | 'bytes'>, range?: { readonly from: number; readonly to?: number }) => AsyncIterable<Uint8Array>;
  /** Null where there is none, or its time is over. */
  readonly find: (projectId: string, id: string) => Promise<StoredFile | null>;
  readonly list: (projectId: string, asked: FilesAsked) => Promise<readonly StoredFile[]>;
  readonly remove: (projectId: string, id: string) => Promise<boolean>;
};

export type KeepFile = {
  /** Asked when all of the content is there; what it throws leaves nothing behind. */
  readonly describe: () => FileNote | Promise<FileNote>;
  /** Done in the transaction that makes the file. */
  readonly within?: (db: Kysely<ProjectDatabase>, file: StoredFile) => Promise<void>;
};

export type FileNote = {
  readonly filename: string;
  readonly purpose: string;
  /** Unix milliseconds; null is never. */
  readonly expiresAt: number | null;
};

export type StoredFile = FileNote & {
  readonly id: string;
  readonly projectId: string;
  readonly bytes: number;
  /** Of the content, hex. */
  readonly sha256: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
};

export type FilesAsked = {
  readonly purpose?: string | undefined;
  /** Those behind the one of this id. */
  readonly after?: string | undefined;
  readonly order: 'asc' | 'desc';
  readonly rowsMax: number;
};
