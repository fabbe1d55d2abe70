import type { Kysely } from 'kysely';
import type { Gateway } from './app/gateway.ts';
import type { Bodies, Files, Streams } from './app/keeping.ts';
import type { Budgets, Ledger, Limiter } from './app/spending.ts';
import type { ConfigFile } from './contract/config-file.ts';
import type { Creator, Principal } from './contract/policy.ts';
import type { Settings } from './contract/settings.ts';
import type { Cancellation } from './core/cancellation.ts';
import type { LoginThrottle } from './core/login-throttle.ts';
import type { Provider, Send, UpstreamResponse } from './core/provider.ts';
import type { RouteTable } from './core/routing.ts';
import type { Database, ProjectDatabase } from './tables.ts';

/**
 * Everything that reaches outside the process, built once in roles/ and passed in. A function takes only what it uses
 * (`Pick<App, 'db' | 'clock'>`), so that a test passes a literal.
 */
export type App = {
  /** The snapshot in force. A call reads it once, at its start, and keeps it. */
  readonly config: () => Config;
  /** The service's own tables. */
  readonly db: Kysely<Database>;
  /** What belongs to projects. */
  readonly inProject: InProject;
  readonly audit: Audit;
  readonly announce: Announce;
  readonly clock: Clock;
  readonly random: () => number;
  /** A new id that sorts by time: `newId('req')` is `req_` and 26 characters. */
  readonly newId: (prefix: string) => string;
  readonly log: Log;
  readonly send: Send;
  readonly sendOutside: SendOutside;
  readonly secrets: Secrets;
  readonly lifecycle: Lifecycle;
  readonly ledger: Ledger;
  readonly budgets: Budgets;
  readonly bodies: Bodies;
  readonly streams: Streams;
  readonly files: Files;
  readonly limiter: Limiter;
  readonly gateway: Gateway;
  readonly principalOf: PrincipalOf;
};

/** The service's own work for all projects, as opposed to a caller's for one. */
export const EVERY_PROJECT = '*';

/** Runs statements in one transaction that can touch the rows of this project alone; with EVERY_PROJECT, in none and without that bound. */
export type InProject = <Result>(projectId: string, run: (db: Kysely<ProjectDatabase>) => Promise<Result>) => Promise<Result>;

/**
 * Posts to an address that somebody gave: one of the public internet, or one that the configuration allows. No redirect is followed. Throws an
 * UpstreamError where there was no answer, or a redirect.
 */
export type SendOutside = (request: OutsideRequest) => Promise<OutsideAnswer>;

export type OutsideRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For all of it, the answer included. */
  readonly limitMs: number;
};

/** `text` is no more than its beginning. */
export type OutsideAnswer = Pick<UpstreamResponse, 'status' | 'headers'> & { readonly text: string };

/** Who a creator is now; null once they may call no more: a key revoked, a user disabled, a project deleted. At once where it was read within the second. */
export type PrincipalOf = (creator: Creator) => Principal | null | Promise<Principal | null>;

/** Writes down who did what, in the transaction of what it tells. Never a secret. */
export type Audit = (db: Kysely<ProjectDatabase>, by: AuditedBy, deed: Deed) => Promise<void>;

export type AuditedBy = { readonly principal: Principal; readonly address: string; readonly requestId: string };

export type Deed = {
  /** `key.create`, `user.update`, … */
  readonly action: string;
  readonly projectId: string;
  readonly targetId: string;
  /** What of it was so before, and is so after. */
  readonly before?: object;
  readonly after?: object;
  /** Who did it, where the principal does not say so yet: a sign-in. */
  readonly actor?: { readonly id: string; readonly username: string };
};

/** Writes down what webhooks are to tell, in the transaction of what it tells. It is delivered after, until somebody has taken it. */
export type Announce = (db: Kysely<ProjectDatabase>, event: Announced) => Promise<void>;

export type Announced = {
  readonly type: 'batch.completed' | 'batch.failed' | 'batch.expired' | 'batch.cancelled';
  readonly projectId: string;
  /** What it is about: `job_…`, `batch_…` */
  readonly subjectId: string;
  /** Told to this address too, besides the endpoints that the project has. */
  readonly url: string | null;
};

export type Config = {
  readonly settings: Settings;
  readonly file: ConfigFile;
  /** In force for this snapshot: built from the settings and the file when it was read. */
  readonly providers: ReadonlyMap<string, Provider>;
  readonly routes: RouteTable;
  readonly defaultModel: string;
  readonly allowAnonymous: boolean;
  readonly corsOrigins: readonly string[];
  /** Grows by one with every reload. */
  readonly version: number;
};

export type Clock = {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Milliseconds that never jump. */
  readonly monotonic: () => number;
  readonly sleep: (ms: number, signal?: Cancellation) => Promise<void>;
  /** Calls back once after `ms`; the answer cancels. */
  readonly after: (ms: number, run: () => void) => () => void;
};

export type LogFields = Readonly<Record<string, unknown>>;

export type Log = {
  readonly debug: (message: string, fields?: LogFields) => void;
  readonly info: (message: string, fields?: LogFields) => void;
  readonly warning: (message: string, fields?: LogFields) => void;
  readonly error: (message: string, fields?: LogFields) => void;
};

export type Secrets = {
  readonly hashPassword: (password: string) => Promise<string>;
  /**
   * Takes its turn with other sign-ins. With no hash, because there is no such user, it takes as long and says no.
   * `onTurn` runs when the turn comes; what it throws gives the turn up.
   */
  readonly verifyPassword: (password: string, hash: string | null, onTurn?: () => void) => Promise<boolean>;
  /** HMAC-SHA256 under JWT_SECRET, in base64url: signs and checks access tokens. */
  readonly mac: (text: string) => string;
  /** What an API key is kept as: HMAC-SHA256 under a pepper of its own that follows from JWT_SECRET, in base64url. */
  readonly keyHash: (key: string) => string;
  readonly seal: Seal;
  /** 32 random bytes in base64url. */
  readonly newToken: () => string;
  /** One that a person can type. */
  readonly newPassword: () => string;
  /** Slows the guessing of passwords; one for the process. */
  readonly loginThrottle: LoginThrottle;
};

/** What the database keeps and nobody is to read there: answers that may hold secrets that are shown once, and secrets that we sign with. */
export type Seal = {
  /** HMAC-SHA256 under a key of its own, so that nobody can try out what may have been asked. */
  readonly fingerprint: (text: string) => string;
  /** Bound to its place: what is sealed for one cannot be opened as another's. */
  readonly close: (body: Uint8Array, place: string) => Buffer;
  /** Null where the secret has changed since. */
  readonly open: (sealed: Uint8Array, place: string) => Uint8Array<ArrayBuffer> | null;
};

export type Lifecycle = {
  readonly startedAt: number;
  readonly state: () => 'starting' | 'ready' | 'draining';
};
