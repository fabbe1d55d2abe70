import type { App } from '../app.ts';
import type { GatewayCall, ModelCall } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { ModelEvent } from '../core/events.ts';
import type { FailedAttempt } from '../core/ledger-row.ts';
import { type Call, type Send, UpstreamError } from '../core/provider.ts';
import { afterFailure } from '../core/retry.ts';
import type { Candidate } from '../core/routing.ts';
import { enterOne, isBetterElsewhere, nobodyToAsk, triesAt, type Turn, withoutTurn } from './targets-turn.ts';
import type { Targets, Visit } from './targets.ts';

/** Step four: call the candidates in order, with retries, until one has said something. After that there is no way back. */
export type Attempted = Reached<FirstPiece>;

type FirstPiece = {
  /** All that came up to and with the first piece of the answer. */
  readonly first: readonly ModelEvent[];
  readonly rest: AsyncIterator<readonly ModelEvent[]>;
};

type Needs = Pick<App, 'clock' | 'log' | 'random' | 'send' | 'config'>;
export type Trying = {
  readonly call: Pick<GatewayCall, 'requestId' | 'deadline'>;
  readonly candidates: readonly Candidate[];
  readonly targets: Targets;
  readonly signal: Cancellation;
  /** Where the attempts that fail are noted. */
  readonly failures: FailedAttempt[];
  /** Called in the moment before the provider is asked. */
  readonly sending: () => void;
};
type Failed = { readonly candidate: Candidate; readonly error: UpstreamError };

export function attempt(needs: Needs, trying: Trying & { readonly call: ModelCall }): Promise<Attempted> {
  return inTurn(needs, trying, (candidate, upstream) => firstPiece(trying.call, candidate, upstream));
}

export type Reached<Said> = {
  readonly candidate: Candidate;
  /** To be ended when its answer ends. */
  readonly visit: Visit;
  readonly attempts: number;
  readonly said: Said;
};

/** Asks one candidate after the other, each as often as makes sense, until one has answered. Those that are well come first. */
export async function inTurn<Said>(needs: Needs, trying: Trying, ask: (candidate: Candidate, upstream: Call) => Promise<Said>): Promise<Reached<Said>> {
  const { call, signal, targets } = trying;
  const send: Send = (request) => needs.send({ ...request, beforeSending: trying.sending });
  const upstream: Call = { send, signal, requestId: call.requestId, random: needs.random, sleep: needs.clock.sleep };
  const failures: Failed[] = [];
  let turns = trying.candidates.map((candidate): Turn => ({ candidate, target: targets.of(candidate), tries: 0 }));

  for (;;) {
    const entering = enterOne(turns, trying);
    const entered = entering instanceof Promise ? await entering : entering;
    if (entered === null) throw failures.length > 0 ? outOfCandidates(failures) : nobodyToAsk(turns);
    const { turn, visit } = entered;
    const { candidate, target } = turn;
    if (triesAt(turn, turns) === 0) target.count();
    turn.tries++;
    const beganAt = needs.clock.monotonic();
    try {
      const said = await ask(candidate, upstream);
      visit.answered();
      return { candidate, visit, attempts: failures.length + 1, said };
    } catch (cause) {
      const error = signal.aborted ? signal.reason : asUpstreamError(cause);
      if (!(error instanceof UpstreamError)) {
        visit.over('unknown');
        throw error;
      }
      visit.failed(error);
      failures.push({ candidate, error });
      note(needs, trying, { candidate, error, ms: needs.clock.monotonic() - beganAt });
      const waitMs = retryWaitMs(needs, trying, { turn, turns, error });
      if (waitMs === 'stop') throw outOfCandidates(failures);
      if (waitMs === 'next') turns = withoutTurn(turn, turns, isOfTheKey(error));
      else await needs.clock.sleep(waitMs, signal);
    }
  }
}

type Failing = { readonly turn: Turn; readonly turns: readonly Turn[]; readonly error: UpstreamError };

/** How long until the same candidate is tried again, where it is: neither what is known to be down while another is well, nor more often than its calls allow. */
function retryWaitMs(needs: Needs, { call }: Trying, { turn, turns, error }: Failing): number | 'next' | 'stop' {
  const { upstreamMaxRetries, upstreamBackoffBaseS } = needs.config().settings;
  const step = afterFailure({
    fault: error.fault,
    retryAfterMs: error.retryAfterMs,
    tries: triesAt(turn, turns),
    retriesMax: upstreamMaxRetries,
    baseMs: upstreamBackoffBaseS * 1000,
    leftMs: call.deadline - needs.clock.now(),
    random: needs.random(),
  });
  if (step.kind !== 'wait') return step.kind;
  return !isBetterElsewhere(turn, turns, isOfTheKey(error)) && turn.target.takeRetry() ? step.ms : 'next';
}

function isOfTheKey({ fault }: UpstreamError): boolean {
  return fault === 'unauthorized' || fault === 'rate_limited';
}

async function firstPiece(call: ModelCall, candidate: Candidate, upstream: Call): Promise<FirstPiece> {
  const { provider, model } = candidate;
  if (!provider.chat) throw new AppError('INVALID_VALUE', { field: 'model', message: `${model} does not generate text` });
  const rest = provider.chat({ ...call.request, model }, upstream)[Symbol.asyncIterator]();
  let first: readonly ModelEvent[] = [];
  for (;;) {
    const step = await rest.next();
    if (step.done) throw new UpstreamError('broken', 'the answer ended before it began');
    const { value } = step;
    first = first.length === 0 ? value : [...first, ...value];
    if (first.some(isContent)) return { first, rest };
  }
}

function isContent(event: ModelEvent): boolean {
  return event.type !== 'start' && event.type !== 'usage' && event.type !== 'frame';
}

function asUpstreamError(cause: unknown): UpstreamError | AppError {
  if (cause instanceof UpstreamError || cause instanceof AppError) return cause;
  return new UpstreamError('broken', cause instanceof Error ? cause.message : String(cause), { cause });
}

function note(needs: Needs, { call, failures }: Trying, { candidate, error, ms }: Failed & { readonly ms: number }): void {
  const failed = { provider: candidate.provider.id, model: candidate.model, fault: error.fault, status: error.status, ms: Math.round(ms) };
  failures.push(failed);
  needs.log.warning('an upstream attempt failed', {
    request_id: call.requestId,
    ...failed,
    ...(candidate.key === undefined ? {} : { by_key: candidate.key.name }),
    reason: error.message.slice(0, 500),
    ...(needs.config().settings.logPrompts && error.words !== null ? { words: error.words.slice(0, 500) } : {}),
  });
}

/** The last failure decides what the caller hears, except that one 429 among other failures is not "everybody limits us". */
function outOfCandidates(failures: readonly Failed[]): AppError {
  const last = failures.at(-1);
  if (!last) return new AppError('INTERNAL_ERROR', { internal: { reason: 'no candidate was tried' } });
  return upstreamAppError(last.candidate, last.error, { attempts: failures.length, allLimited: failures.every(({ error }) => error.fault === 'rate_limited') });
}

export function upstreamAppError(
  candidate: Pick<Candidate, 'model'> & { readonly provider: Pick<Candidate['provider'], 'id'> },
  error: UpstreamError,
  { attempts, allLimited }: { readonly attempts: number; readonly allLimited: boolean },
): AppError {
  const upstream = { provider: candidate.provider.id, model: candidate.model, status: error.status, attempts };
  const internal = { upstream: { ...upstream, fault: error.fault, reason: error.message } };
  // A provider of our own knows what its caller is to hear.
  if (error.cause instanceof AppError) return error.cause;
  switch (error.fault) {
    case 'rejected':
      return new AppError('UPSTREAM_REJECTED', { details: { upstream: { ...upstream, ...refusalOf(error) } }, internal, cause: error });
    case 'timeout':
      return new AppError('TIMEOUT', { details: { upstream }, internal, cause: error });
    case 'rate_limited':
      if (allLimited) return new AppError('UPSTREAM_RATE_LIMITED', { details: { upstream }, internal, retryAfterMs: error.retryAfterMs ?? 1000, cause: error });
      break;
    case 'unauthorized':
      return new AppError('INTERNAL_ERROR', {
        message: `The provider ${candidate.provider.id} did not accept our key`,
        details: { upstream },
        internal,
        cause: error,
      });
    case 'connect':
    case 'failed':
    case 'broken':
      break;
    default:
      error.fault satisfies never;
  }
  return new AppError('INTERNAL_ERROR', { message: `The provider ${candidate.provider.id} failed`, details: { upstream }, internal, cause: error });
}

/** Why the provider refused, as it says itself. */
function refusalOf({ words, message, code, param }: UpstreamError): object {
  return { message: words ?? message, ...(code === null ? {} : { code }), ...(param === null ? {} : { param }) };
}
