import type { Kysely } from 'kysely';
import type { ConfigFile } from './contract/config-file.ts';
import type { Budget, CallLimits, Creator, Principal } from './contract/policy.ts';
import type { Rate, Settings } from './contract/settings.ts';
import type { BreakerView } from './core/breaker.ts';
import type { CallIds } from './core/call-ids.ts';
import type { Surface } from './contract/errors.ts';
import type { Cancellation } from './core/cancellation.ts';
import type { EventBatches, Usage } from './core/events.ts';
import type { LoginThrottle } from './core/login-throttle.ts';
import type { LedgerRow } from './core/ledger-row.ts';
import type { ModelRequest } from './core/model-request.ts';
import type {
  EmbedAnswer,
  EmbedRequest,
  ModelFacts,
  ModerateAnswer,
  ModerateRequest,
  Price,
  Provider,
  ProviderKey,
  Send,
  UpstreamFault,
  UpstreamResponse,
} from './core/provider.ts';
import type { RouteTable, Strategy } from './core/routing.ts';
import type { Asked, LeftOut, Placed } from './core/target-order.ts';
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

/** How much may be asked at a time, over all processes: requests and tokens a minute, and calls at once. */
export type Limiter = {
  /** Counts a call against every limit, or throws RATE_LIMIT_EXCEEDED and counts it against none. `tokens` is the most that it may use. */
  readonly enter: (limits: readonly CallLimits[], tokens: number) => Permit | Promise<Permit>;
  /** Counts a call of a route from an address, and answers the headers that tell of its limit, or throws RATE_LIMIT_EXCEEDED. */
  readonly visit: (route: string, rate: NonNullable<Rate>, address: string) => Permit['headers'] | Promise<Permit['headers']>;
  /** Where is counted: over all processes, or each its share. */
  readonly state: () => { readonly store: 'redis' | 'local'; readonly processes: number };
};
export type Permit = {
  /** What the limits say after this call: RateLimit and its kin. */
  readonly headers: Readonly<Record<string, string>>;
  /** The call is over and used this many tokens: gives back the rest, and its place. Once. */
  readonly leave: (tokens: number) => void;
};

/** What was spent. Exact, and durable in the moment in which a call is over: a crash, or a database that is away, loses nothing. */
export type Ledger = {
  /** Writes down what is true of a call if the process dies during it. */
  readonly open: (row: LedgerRow) => OpenCall;
  /** Writes down a call that is over. */
  readonly close: (row: LedgerRow, more?: ClosingMore) => void;
};
export type ClosingMore = {
  readonly opened?: OpenCall | null;
  /** A second run of an id that was given up for lost. */
  readonly again?: boolean;
  /** Called when the database has it. */
  readonly entered?: () => void;
  /** Who holds of the budgets what it may cost, where that is not this process. */
  readonly heldBy?: string;
};
export type OpenCall = object;

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
  /** Throws in the midst of it where the storage does not have all of it. */
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

/** What may be spent. */
export type Budgets = {
  /** Sets aside the most that a call can cost in each of these budgets, or throws BUDGET_EXCEEDED and sets aside nothing. */
  readonly reserve: (budgets: readonly Budget[], nanoUsd: number) => Reservation | Promise<Reservation>;
};
export type Reservation = {
  /** The call is over and cost this much; the rest is free. To be called once; what it answers is to be called when the ledger has the call. */
  readonly settle: (costNanoUsd: number) => () => void;
};

/** The only way to a model: admit, cache, choose, attempt, meter. Built in gateway/, used by every feature. */
export type Gateway = {
  /** Answers once the first piece is there, so that whatever fails before it still has a status of its own. */
  readonly run: (call: ModelCall) => Promise<RunningCall>;
  readonly embed: (call: EmbedCall) => Promise<WholeCall<EmbedAnswer>>;
  readonly moderate: (call: ModerateCall) => Promise<WholeCall<ModerateAnswer>>;
  /** What `model` means now: where a call to it would go first. Throws MODEL_NOT_FOUND. */
  readonly resolve: (model: string | undefined) => ResolvedModel;
  /** Every name that can be called. */
  readonly models: () => readonly ListedModel[];
  readonly cache: CacheControl;
  /** What this process knows of every place that was called. */
  readonly targets: () => readonly TargetState[];
  /** Where such a call would go now, and why. Throws as `run` would. */
  readonly explain: (asking: RouteAsking) => RouteExplanation;
  readonly callsInFlight: () => number;
  /** Ends every call in flight with this reason. */
  readonly stop: (reason: unknown) => void;
};

/** What every call says, whatever it asks for. */
export type GatewayCall<Request extends object = object> = {
  readonly principal: Principal;
  readonly requestId: string;
  /** Alias, `provider/model` or a known name; the default model where there is none. */
  readonly model: string | undefined;
  readonly request: Request;
  /** What the caller says belongs together: calls of one session go to the same place, where the alias says so. */
  readonly session?: string | undefined;
  /** The path of the route that it came by. */
  readonly route: string;
  /** With its version; null where there is none. What is made of another template is another answer. */
  readonly templateId: string | null;
  readonly jobId: string | null;
  readonly ids: CallIds;
  readonly signal: Cancellation;
  /** Unix milliseconds. */
  readonly deadline: number;
  /** The log line of the request; the gateway adds model, tokens, cost, attempts and times. */
  readonly logFields: Record<string, unknown>;
};

export type ModelCall = GatewayCall<Omit<ModelRequest, 'model'>> & {
  /** `use` reads and writes, `refresh` writes only, `off` neither. */
  readonly cache: 'use' | 'refresh' | 'off';
};
export type EmbedCall = GatewayCall<Omit<EmbedRequest, 'model'>>;
export type ModerateCall = GatewayCall<Omit<ModerateRequest, 'model'>>;

/** How a call was answered, and what it used. */
export type AnsweredCall = {
  /** As the provider calls it. */
  readonly model: string;
  readonly provider: string;
  readonly cache: 'HIT' | 'MISS' | 'BYPASS';
  /** Calls that went upstream for this answer; 0 for a cached one. */
  readonly attempts: number;
  readonly queueMs: number;
  readonly upstreamMs: () => number;
  /** What it used and cost, as far as it has come. */
  readonly receipt: () => Receipt;
  /** What is left of the caller's limits. */
  readonly limitHeaders: Readonly<Record<string, string>>;
};

export type RunningCall = AnsweredCall & {
  /** Throws an AppError when the answer breaks off. To leave the loop early is to cancel the call. */
  readonly events: EventBatches;
  /** Who goes on with an answer that broke off, as `provider/model`, once somebody does. Absent where nobody would. */
  readonly continuedBy?: () => string | null;
};

/** A call whose answer comes in one piece. */
export type WholeCall<Answer> = AnsweredCall & { readonly answer: Answer };

export type Receipt = { readonly usage: Usage; readonly costNanoUsd: number };

export type ResolvedModel = { readonly name: string; readonly provider: string; readonly facts: ModelFacts };
export type ListedModel = ResolvedModel & {
  readonly alias: boolean;
  /** What a call costs, whoever stated it; assumed where nobody did. */
  readonly price: Price;
  readonly priceAssumed: boolean;
};

/** How a place does, as far as this process has seen it. */
export type TargetState = {
  readonly provider: string;
  readonly model: string;
  /** By which of several keys; null where its provider has one. */
  readonly key: ProviderKey | null;
  /** Attempts, and those of them that failed. */
  readonly calls: number;
  readonly failures: number;
  readonly inFlight: number;
  /** Whether its provider has as many calls as the configuration allows at a time. */
  readonly full: boolean;
  /** Until its key may be used again: its rate is used up, by the provider's word or by its bound; 0 where it may. */
  readonly restMs: number;
  /** The middle of the latest; null where there is none. */
  readonly firstPieceMs: number | null;
  /** Unix milliseconds. */
  readonly lastFailure: { readonly at: number; readonly fault: UpstreamFault; readonly status: number | null } | null;
  /** `sinceMs` in Unix milliseconds. */
  readonly breaker: BreakerView;
};

export type RouteAsking = {
  readonly principal: Principal;
  readonly model: string | undefined;
  readonly session: string | undefined;
  readonly asked: Asked;
};
export type RouteExplanation = {
  readonly model: string;
  readonly strategy: Strategy;
  readonly sticky: boolean;
  /** As they would be tried. */
  readonly order: readonly (Placed & { readonly state: TargetState; readonly nanoUsd: number })[];
  readonly leftOut: readonly LeftOut[];
};

export type CacheControl = {
  readonly stats: () => CacheStats;
  /** Empties the cache of one project; says how many answers went. */
  readonly clear: (projectId: string) => number;
};

export type CacheStats = {
  readonly size: number;
  readonly bytes: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly hits: number;
  readonly misses: number;
  readonly savedNanoUsd: number;
};
