/**
 * Who may do what, once. Every route names one scope; the router, the OpenAPI document and the authorization test read this table.
 * `anonymous: 'when-allowed'` follows ALLOW_ANONYMOUS.
 */
export type Role = 'admin' | 'member' | 'viewer';

type ScopeRow = {
  readonly anonymous: 'always' | 'when-allowed' | 'never';
  readonly roles: readonly Role[];
  /** Whether an API key of the project may do it too. */
  readonly keys: boolean;
  /** Whether it can cost money, so that budgets have to be known before. */
  readonly spends: boolean;
  /** Whether a POST under it creates or spends, and is done once for each Idempotency-Key. Signing in is not: tokens are not kept. */
  readonly once: boolean;
  readonly doc: string;
};

const EVERYBODY = ['admin', 'member', 'viewer'] as const;
const WRITERS = ['admin', 'member'] as const;

export const SCOPES = {
  public: { anonymous: 'always', roles: EVERYBODY, keys: true, spends: false, once: false, doc: 'Open to everybody.' },
  generate: { anonymous: 'when-allowed', roles: WRITERS, keys: true, spends: true, once: true, doc: 'Ask a model.' },
  tasks: { anonymous: 'never', roles: WRITERS, keys: true, spends: true, once: true, doc: 'The ready tasks; always with a sign-in or a key.' },
  'v1:call': {
    anonymous: 'never',
    roles: WRITERS,
    keys: true,
    spends: true,
    once: true,
    doc: "Ask a model, keep files and make batches as OpenAI's and Anthropic's clients do; always with a sign-in or a key.",
  },
  'v1:read': {
    anonymous: 'never',
    roles: EVERYBODY,
    keys: true,
    spends: false,
    once: false,
    doc: 'See what they can call, and the files and batches of the project.',
  },
  'templates:read': { anonymous: 'when-allowed', roles: EVERYBODY, keys: true, spends: false, once: false, doc: 'Read templates.' },
  'templates:write': { anonymous: 'never', roles: WRITERS, keys: true, spends: false, once: true, doc: 'Create and delete templates.' },
  'models:read': { anonymous: 'when-allowed', roles: EVERYBODY, keys: true, spends: false, once: false, doc: 'See what can be called.' },
  'jobs:read': { anonymous: 'when-allowed', roles: EVERYBODY, keys: true, spends: false, once: false, doc: 'See jobs and what came of them.' },
  'jobs:write': {
    anonymous: 'when-allowed',
    roles: WRITERS,
    keys: true,
    spends: true,
    once: true,
    doc: 'Make, fill, submit, cancel and delete jobs. Their calls are those of whoever made them.',
  },
  'schedules:read': { anonymous: 'never', roles: EVERYBODY, keys: true, spends: false, once: false, doc: 'See schedules and templates of jobs.' },
  'schedules:write': { anonymous: 'never', roles: WRITERS, keys: true, spends: true, once: true, doc: 'Create, change, run and delete them.' },
  'webhooks:read': { anonymous: 'never', roles: EVERYBODY, keys: true, spends: false, once: false, doc: 'See webhooks and what was delivered.' },
  'webhooks:write': { anonymous: 'never', roles: WRITERS, keys: true, spends: false, once: true, doc: 'Create, change, test and delete webhooks.' },
  'cache:read': { anonymous: 'never', roles: EVERYBODY, keys: true, spends: false, once: false, doc: 'See the size and use of the cache.' },
  'cache:write': { anonymous: 'never', roles: WRITERS, keys: false, spends: false, once: true, doc: 'Empty the cache.' },
  self: { anonymous: 'never', roles: EVERYBODY, keys: false, spends: false, once: false, doc: 'Your own account.' },
  'keys:read': { anonymous: 'never', roles: EVERYBODY, keys: false, spends: false, once: false, doc: 'See the API keys of your project.' },
  'keys:write': { anonymous: 'never', roles: WRITERS, keys: false, spends: false, once: true, doc: 'Create, change, rotate and revoke API keys.' },
  'projects:read': { anonymous: 'never', roles: EVERYBODY, keys: false, spends: false, once: false, doc: 'See your own project; an administrator sees all.' },
  'usage:read': {
    anonymous: 'never',
    roles: EVERYBODY,
    keys: true,
    spends: false,
    once: false,
    doc: 'See what was used and what it cost; a key sees its own calls.',
  },
  administer: { anonymous: 'never', roles: ['admin'], keys: false, spends: false, once: true, doc: 'Users, projects and the audit log.' },
} as const satisfies Record<string, ScopeRow>;

export type Scope = keyof typeof SCOPES;

/** Who is calling, with what bounds its calls: read anew every second, so that a change counts everywhere within one. */
export type Principal =
  | ({ readonly kind: 'anonymous' } & Bounds)
  | ({ readonly kind: 'user'; readonly userId: string; readonly username: string; readonly role: Role; readonly sessionId: string } & Bounds)
  | ({
      readonly kind: 'key';
      readonly keyId: string;
      readonly keyName: string;
      /** Whose key it is; null for one of the project itself. */
      readonly userId: string | null;
      /** Null is every one. */
      readonly allowedModels: readonly string[] | null;
      readonly allowedRoutes: readonly string[] | null;
    } & Bounds);

/** Whoever made something that goes on by itself: they are read anew whenever it does. */
export type Creator = { readonly kind: 'user' | 'key' | 'anonymous'; readonly id: string | null };

type Bounds = {
  readonly projectId: string;
  readonly limits: readonly CallLimits[];
  readonly budgets: readonly Budget[];
};

/** How much may be asked at a time. */
export type CallLimits = {
  readonly scope: 'key' | 'user';
  readonly id: string;
  readonly rpm: number | null;
  readonly tpm: number | null;
  readonly maxParallel: number | null;
};

/** How much may be spent in a day or a month of the project's time zone, or in total. */
export type Budget = {
  readonly scope: 'key' | 'user' | 'project' | 'job';
  readonly id: string;
  readonly limitNanoUsd: number;
  readonly period: BudgetPeriod;
  readonly timeZone: string;
};
export const BUDGET_PERIODS = ['day', 'month', 'total'] as const;
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];

/** The project that the anonymous and the first user belong to. */
export const DEFAULT_PROJECT = 'default';
export const ANONYMOUS: Principal = { kind: 'anonymous', projectId: DEFAULT_PROJECT, limits: [], budgets: [] };

export type Verdict = 'allowed' | 'unauthorized' | 'forbidden';

export function judge(scope: Scope, principal: Principal, allowAnonymous: boolean): Verdict {
  const row: ScopeRow = SCOPES[scope];
  if (principal.kind === 'user') return row.roles.includes(principal.role) ? 'allowed' : 'forbidden';
  if (principal.kind === 'key') return row.keys ? 'allowed' : 'forbidden';
  if (row.anonymous === 'always' || (row.anonymous === 'when-allowed' && allowAnonymous)) return 'allowed';
  return 'unauthorized';
}

/** Whether a key may call this path. A pattern is a path, or the beginning of one and `*`; routes that are open to everybody are open to each key. */
export function mayUseRoute(allowedRoutes: readonly string[] | null, path: string): boolean {
  return allowedRoutes === null || allowedRoutes.some((pattern) => (pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern));
}
