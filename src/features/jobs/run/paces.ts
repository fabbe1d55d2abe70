import { AppError } from '../../../contract/errors.ts';
import { createPace, type Pace } from '../../../core/pace.ts';
import type { Ended } from './row.ts';
import type { ClaimedRow, RunningJob } from './store.ts';
import type { JobsApp } from './world.ts';

/** How fast the rows of each provider may go: a provider that limits us holds up its own rows, and nobody else's. */
export type Paces = {
  /** Who will be asked for a row, as far as that is known before. */
  readonly providerOf: (job: RunningJob, row: Pick<ClaimedRow, 'body'>) => string | null;
  /** Milliseconds until a row of this provider may begin; Infinity where one has to end first. */
  readonly waitMs: (provider: string | null) => number;
  readonly began: (provider: string | null) => void;
  readonly ended: (provider: string | null, ended: Ended) => void;
};

const PAUSE_MS = 1000;
/** How old what the gateway knows of its targets may be. */
const LOOK_EACH_MS = 100;
const NAMES_MAX = 1000;

export function createPaces(app: Pick<JobsApp, 'gateway' | 'clock' | 'config'>): Paces {
  const { clock, gateway } = app;
  const providerOfModel = createProviderOfModel(app);
  const paces = new Map<string, Pace>();
  /** Where the rows of a job went that name no model: to that of their template. */
  const latest = new Map<string, string>();
  let lookedAt = Number.NEGATIVE_INFINITY;

  const paceOf = (provider: string): Pace => {
    const pace = paces.get(provider) ?? createPace();
    paces.set(provider, pace);
    return pace;
  };
  /** A provider rests where all that was called of it does. */
  const lookAtTargets = (nowMs: number): void => {
    if (nowMs - lookedAt < LOOK_EACH_MS) return;
    lookedAt = nowMs;
    for (const [provider, targets] of Map.groupBy(gateway.targets(), (target) => target.provider)) {
      const restMs = Math.min(...targets.map((target) => target.restMs));
      if (restMs > 0) paceOf(provider).rests(restMs, nowMs);
    }
  };
  return {
    providerOf(job, { body: { model } }) {
      if (typeof model === 'string') return providerOfModel(model);
      return job.model === null ? (latest.get(job.id) ?? null) : providerOfModel(job.model);
    },
    waitMs(provider) {
      if (provider === null) return 0;
      const nowMs = clock.monotonic();
      lookAtTargets(nowMs);
      return paceOf(provider).waitMs(nowMs);
    },
    began: (provider) => (provider === null ? undefined : paceOf(provider).began()),
    ended(provider, ended) {
      if (provider !== null) paceOf(provider).ended();
      const asked = ended.provider ?? provider;
      if (asked === null) return;
      tell(paceOf(asked), ended, clock.monotonic());
      if (ended.kind === 'outcome') remember(latest, ended.outcome.jobId, asked);
    },
  };
}

function tell(pace: Pace, { error }: Ended, nowMs: number): void {
  if (error === null) pace.answered();
  else if (isLimit(error)) pace.limited(error.parts.retryAfterMs ?? PAUSE_MS, nowMs);
}

/** It wants no more now, or nobody asks it because it fails. */
function isLimit({ code, parts }: AppError): boolean {
  return code === 'UPSTREAM_RATE_LIMITED' || (code === 'SERVICE_UNAVAILABLE' && parts.details?.['upstream'] !== undefined);
}

/** By the configuration in force; null where there is no such model. */
function createProviderOfModel({ gateway, config }: Pick<JobsApp, 'gateway' | 'config'>): (model: string) => string | null {
  const known = new Map<string, string | null>();
  let version = -1;
  return (model) => {
    if (config().version !== version) known.clear();
    version = config().version;
    const provider = known.get(model);
    if (provider !== undefined) return provider;
    const found = resolved(gateway, model);
    remember(known, model, found);
    return found;
  };
}

function remember<Value>(names: Map<string, Value>, name: string, value: Value): void {
  if (names.size >= NAMES_MAX && !names.has(name)) names.clear();
  names.set(name, value);
}

function resolved(gateway: JobsApp['gateway'], model: string): string | null {
  try {
    return gateway.resolve(model).provider;
  } catch (cause) {
    if (cause instanceof AppError) return null;
    throw cause;
  }
}
