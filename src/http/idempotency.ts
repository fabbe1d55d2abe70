import type { App } from '../app.ts';
import { AppError } from '../contract/errors.ts';
import { type CallIds, callIds } from '../core/call-ids.ts';
import { type Cancellation, Canceller } from '../core/cancellation.ts';
import { asAppError } from './fail.ts';
import { askedText, type KeyPlace, keyPlace, readKey } from './idempotency/key.ts';
import { record, type RecordedStream } from './idempotency/recording.ts';
import { renderError, surfaceOf } from './render-error.ts';
import { type Exchange, JSON_TYPE, type Reply } from './route.ts';

/**
 * One request for each Idempotency-Key: the first does the work, its answer is kept before anybody has it, and every later one is given the
 * same. What was refused or failed without cost is not kept, so that a retry tries anew.
 */
export type Idempotency = {
  readonly answer: (keyed: Keyed, handle: Handle) => Promise<Reply>;
};

export type Keyed = {
  /** The header, as it came. */
  readonly header: string;
  readonly exchange: Exchange;
  readonly queryText: string;
  /** The body before its schema filled it up. */
  readonly sent: unknown;
};
type Handle = (exchange: Exchange) => Promise<Reply> | Reply;

/** Where answers are kept, for all processes. Everything throws SERVICE_UNAVAILABLE while the database is away. */
export type KeptAnswers = {
  /** What stands for all that was asked: equal for equal texts. */
  readonly fingerprint: (askedText: string) => string;
  /** Makes the key ours if it is nobody's; `first` are the ids of a first run. */
  readonly claim: (place: KeyPlace, fingerprint: string, first: FirstIds) => Promise<Claim>;
  /** False when others took this process for dead and the key away from it. */
  readonly keep: (place: KeyPlace, rootId: string, answer: GivenAnswer) => Promise<boolean>;
  /** The key is nobody's again; `lost` where a run before this one was lost, whose ids the next one has to take over. */
  readonly giveUp: (place: KeyPlace, rootId: string, how: 'forgotten' | 'lost') => Promise<void>;
};

export type FirstIds = Pick<CallIds, 'rootId' | 'at'>;
export type Claim = { readonly kind: 'ours'; readonly ids: Pick<CallIds, 'rootId' | 'at' | 'again'> } | Taken;
/** Somebody works or has worked on it. `lost`: there was an answer, but it cannot be given again. */
export type Taken = { readonly kind: 'running' | 'reused' | 'lost' } | { readonly kind: 'kept'; readonly answer: GivenAnswer };
export type GivenAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  /** A stream that broke off, which its connection alone can tell. */
  readonly cut: boolean;
};

type Needs = Pick<App, 'clock' | 'log'>;
type Core = { readonly needs: Needs; readonly answers: KeptAnswers; readonly busy: Map<string, Busy> };
/** A key that this process asks after or works on; all its other requests are answered from here. */
type Busy = { readonly fingerprint: string; readonly claim: Promise<Claim> };
type Run = { readonly name: string; readonly place: KeyPlace; readonly exchange: Exchange; readonly caller: Cancellation };

const RETRY_AFTER_MS = 1000;
/** How long a caller waits for a database that went away while the work was done. */
const KEEPING_MAX_MS = 5000;
const KEEP_AGAIN_MS = 500;
/** They tell of the moment, not of the answer. */
const MOMENTARY = /^(server-timing|retry-after|(x-)?ratelimit)/;

export function createIdempotency(needs: Needs, answers: KeptAnswers): Idempotency {
  const core: Core = { needs, answers, busy: new Map() };
  return { answer: (keyed, handle) => answer(core, keyed, handle) };
}

async function answer(core: Core, keyed: Keyed, handle: Handle): Promise<Reply> {
  const { exchange } = keyed;
  const place = keyPlace(readKey(keyed.header), exchange);
  const fingerprint = core.answers.fingerprint(askedText(exchange, keyed));
  const name = JSON.stringify(Object.values(place));
  const busy = core.busy.get(name);
  if (busy) return told(exchange, await sameAs(busy, fingerprint));
  const asking = core.answers.claim(place, fingerprint, exchange.ids);
  core.busy.set(name, { fingerprint, claim: asking });
  const claim = await asking.catch((cause: unknown) => {
    core.busy.delete(name);
    throw cause;
  });
  if (claim.kind === 'ours') {
    const { rootId, at, again } = claim.ids;
    if (again) exchange.logFields['idempotency'] = 'again';
    // The work goes on when its caller has left, so that a retry finds its answer.
    const signal = new Canceller();
    const own: Exchange = { ...exchange, ids: callIds(rootId, at, again), signal, outlive: () => (reason) => signal.abort(reason) };
    return work(core, { name, place, exchange: own, caller: exchange.signal }, handle);
  }
  core.busy.delete(name);
  return told(exchange, claim);
}

async function sameAs(busy: Busy, fingerprint: string): Promise<Taken> {
  if (busy.fingerprint !== fingerprint) return { kind: 'reused' };
  const claim = await busy.claim;
  return claim.kind === 'ours' ? { kind: 'running' } : claim;
}

/** What a request is told that does no work. */
function told({ logFields }: Exchange, taken: Taken): Reply {
  if (taken.kind === 'kept') {
    logFields['idempotency'] = 'replayed';
    return replay(taken.answer);
  }
  if (taken.kind === 'running') throw stillRunning('The first request with this Idempotency-Key is still running');
  if (taken.kind === 'reused') throw new AppError('IDEMPOTENCY_KEY_REUSED');
  throw new AppError('CONFLICT', { message: 'The request with this Idempotency-Key was answered, but its answer cannot be given again' });
}

function stillRunning(message: string): AppError {
  // Of conflicts this is the one that passes; official SDKs obey the word.
  return new AppError('CONFLICT', { message, retryAfterMs: RETRY_AFTER_MS, headers: { 'x-should-retry': 'true' } });
}

function replay({ status, headers: kept, body, cut }: GivenAnswer): Reply {
  const headers = { ...kept, 'idempotency-replayed': 'true' };
  if (!cut) return { status, headers, text: body };
  return {
    status,
    headers,
    async stream(sink) {
      await sink.write(new TextDecoder().decode(body));
      throw new Error('the first answer broke off here');
    },
  };
}

async function work(core: Core, run: Run, handle: Handle): Promise<Reply> {
  let reply: Reply;
  try {
    reply = await handle(run.exchange);
  } catch (thrown) {
    throw await failed(core, run, asAppError(thrown));
  }
  if (reply.stream) return streamed(core, run, reply, reply.stream);
  await keep(core, run, wholeAnswer(reply));
  return reply;
}

/** What the caller is told of a failure, once it is kept or given up. */
async function failed(core: Core, run: Run, error: AppError): Promise<AppError> {
  const { path, requestId, ids } = run.exchange;
  if (isFinal(error, ids)) {
    const final = new AppError(error.code, { ...error.parts, message: error.message, headers: { ...error.parts.headers, 'x-should-retry': 'false' } });
    await keep(core, run, wholeAnswer(renderError(final, surfaceOf(path), requestId)));
    return final;
  }
  // A lost run that no call of this one has taken the place of is still to be made good by the next.
  const how = ids.again && ids.tally.calls === 0 ? 'lost' : 'forgotten';
  await settle(core, run, () => core.answers.giveUp(run.place, ids.rootId, how)).catch(() => undefined);
  return error;
}

/** Whether a retry would only be told the same, or cost the same again: then it is told what the first one was. */
function isFinal({ code }: AppError, { tally }: CallIds): boolean {
  return code === 'UPSTREAM_REJECTED' || ((code === 'INTERNAL_ERROR' || code === 'TIMEOUT') && tally.costNanoUsd > 0);
}

/** A stream that has begun is an answer, however it ends. Its end comes when it is kept. */
async function streamed(core: Core, run: Run, reply: Reply, stream: NonNullable<Reply['stream']>): Promise<Reply> {
  const recording = record(stream);
  const kept = recording.ended
    .then((recorded) => keep(core, run, streamedAnswer(reply, recorded)))
    .catch((cause: unknown) => core.needs.log.warning('a stream could not be kept for its Idempotency-Key', { ...logged(run), reason: String(cause) }));
  if (run.caller.aborted) {
    // Of a caller who has left already nobody asks for pieces: it is over when it is kept.
    await kept;
    return { text: '' };
  }
  return {
    ...reply,
    async stream(sink) {
      await recording.follow(sink, run.caller);
      const { fault } = await recording.ended;
      await kept;
      if (fault) throw fault.cause;
    },
  };
}

async function keep(core: Core, run: Run, given: GivenAnswer): Promise<void> {
  const isOurs = await settle(core, run, () => core.answers.keep(run.place, run.exchange.ids.rootId, given));
  if (!isOurs) throw stillRunning('Another process took this request over; ask again with the same Idempotency-Key');
}

/** Does it as soon as the database takes it. Until then the key stays busy, and after a while its caller is told so. */
function settle<Result>(core: Core, run: Run, store: () => Promise<Result>): Promise<Result> {
  const { clock, log } = core.needs;
  const settled = untilTaken(clock, store).finally(() => core.busy.delete(run.name));
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const cancel = clock.after(KEEPING_MAX_MS, () => {
    settled.catch((cause: unknown) => log.warning('an answer could not be kept for its Idempotency-Key', { ...logged(run), reason: String(cause) }));
    reject(new AppError('SERVICE_UNAVAILABLE', { message: 'The database is away; ask again with the same Idempotency-Key', retryAfterMs: RETRY_AFTER_MS }));
  });
  settled.then(resolve, reject).finally(cancel);
  return promise;
}

async function untilTaken<Result>(clock: Needs['clock'], store: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await store();
    } catch (cause) {
      if (!(cause instanceof AppError) || cause.code !== 'SERVICE_UNAVAILABLE') throw cause;
      await clock.sleep(KEEP_AGAIN_MS);
    }
  }
}

function wholeAnswer({ status = 200, headers = {}, json, text = '' }: Reply): GivenAnswer {
  if (json === undefined) return { status, headers: lasting(headers), body: bytesOf(text), cut: false };
  return { status, headers: { ...lasting(headers), 'content-type': JSON_TYPE }, body: bytesOf(JSON.stringify(json)), cut: false };
}

function streamedAnswer({ status = 200, headers = {} }: Reply, { bytes, fault }: RecordedStream): GivenAnswer {
  return { status, headers: lasting(headers), body: bytes, cut: fault !== null };
}

function lasting(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !MOMENTARY.test(name)));
}

function bytesOf(text: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return typeof text === 'string' ? Buffer.from(text) : text;
}

function logged({ exchange }: Run): { readonly request_id: string } {
  return { request_id: exchange.requestId };
}
