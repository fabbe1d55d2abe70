import type { App } from '../app.ts';
import type { ModelCall, Receipt } from '../app/gateway.ts';
import type { Permit } from '../app/spending.ts';
import { AppError } from '../contract/errors.ts';
import { goingOnRequest, type RepeatFilter, repeatFilter } from '../core/continuation.ts';
import { type AnswerFold, foldAnswer, type ModelEvent, type Usage } from '../core/events.ts';
import { UpstreamError } from '../core/provider.ts';
import { type Candidate, placeName } from '../core/routing.ts';
import { chatLoad } from './load.ts';
import type { Head, Ready, Started, Starting } from './ready.ts';

type StartOne = (ready: Ready, starting: Starting) => Promise<Started>;

/**
 * An answer that another place goes on with, once, when it breaks off after its first piece: where the alias says so. Each part is a call of its own, with
 * an account, a row of the ledger and a reservation of its own; for the caller they are one.
 */
export async function startGoingOn({ clock }: Pick<App, 'clock'>, ready: Ready, starting: Starting, startOne: StartOne): Promise<Started> {
  const { permit, call } = ready;
  const held = heldPermit(permit);
  const fold = foldAnswer();
  const parts: Started[] = [];
  let isRead = false;
  let isOver = false;
  const over = (complete: boolean): void => {
    if (isOver) return;
    isOver = true;
    permit.leave(held.used());
    // An answer in two parts is not kept for equal calls: no model gave it.
    starting.over(complete && parts.length === 1);
  };
  // Once it is read, its reader says when it is over: that the first part is need not be the end.
  const first = await startOne({ ...ready, permit: held }, { ...starting, over: (complete) => (isRead ? undefined : over(complete)) });
  parts.push(first);

  /** Null where it is not gone on with: what keeps it from that, a budget or that nobody can, is no news for its caller. */
  const goOn = async (): Promise<Started | null> => {
    if (starting.signal.aborted || fold.text() === '') return null;
    const request = goingOnRequest(call.request, fold.text(), first.metered.fold.usage()?.outputTokens);
    if (request === null) return null;
    const next = { ...call, request };
    const again = { call: next, load: chatLoad(next), id: call.ids.next(), candidates: othersFirst(ready.candidates, first.head), permit: held };
    const more = { ...ready, ...again, arrivedAt: clock.monotonic() };
    return startOne(more, { ...starting, cache: 'BYPASS', key: null, over: () => undefined }).catch(() => null);
  };

  async function* batches(): AsyncGenerator<readonly ModelEvent[]> {
    isRead = true;
    let isWhole = false;
    try {
      const cause = yield* untilItBreaks(first, fold);
      if (cause !== null) {
        const second = await goOn();
        if (second === null) throw cause;
        parts.push(second);
        yield* goneOn(second, fold);
      }
      isWhole = true;
    } finally {
      if (parts.length > 1) noteParts(call, parts);
      over(isWhole);
    }
  }

  const upstreamMs = (): number => parts.reduce((sum, { head }) => sum + head.upstreamMs(), 0);
  const receipt = (): Receipt => sumOf(parts);
  const continuedBy = (): string | null => (parts[1] === undefined ? null : nameOf(parts[1].head));
  return { metered: { batches: batches(), fold, receipt, upstreamMs }, head: { ...first.head, receipt, upstreamMs, continuedBy } };
}

/** Answers why it broke off, where another may go on with it; null where it is whole. */
async function* untilItBreaks({ metered }: Started, fold: AnswerFold): AsyncGenerator<readonly ModelEvent[], AppError | null> {
  let isPlain = true;
  try {
    for await (const batch of metered.batches) {
      for (const event of batch) {
        fold.add(event);
        if (event.type === 'refusal-delta') isPlain = false;
      }
      yield batch;
    }
    return null;
  } catch (cause) {
    if (isPlain && isBroken(cause)) return cause;
    throw cause;
  }
}

/** What it says besides the text was said by the first part, or is about its own. */
async function* goneOn({ metered }: Started, fold: AnswerFold): AsyncGenerator<readonly ModelEvent[]> {
  const repeats = repeatFilter(fold.text());
  for await (const batch of metered.batches) {
    const more = batch.flatMap((event) => textLeft(event, repeats));
    for (const event of more) fold.add(event);
    if (more.length > 0) yield more;
  }
}

function textLeft(event: ModelEvent, repeats: RepeatFilter): readonly ModelEvent[] {
  if (event.type === 'text-delta') return textOf(repeats.push(event.text));
  return event.type === 'end' ? [...textOf(repeats.rest()), event] : [];
}

function textOf(text: string): readonly ModelEvent[] {
  return text === '' ? [] : [{ type: 'text-delta', text }];
}

/** It was the provider that broke off, and not the caller, a bound, or the provider's view of what was asked. */
function isBroken(cause: unknown): cause is AppError {
  return cause instanceof AppError && cause.cause instanceof UpstreamError && cause.cause.fault !== 'rejected';
}

function othersFirst(candidates: readonly Candidate[], failed: Head): readonly Candidate[] {
  const isFailed = (candidate: Candidate): boolean => placeName(candidate) === nameOf(failed);
  return [...candidates.filter((candidate) => !isFailed(candidate)), ...candidates.filter(isFailed)];
}

function nameOf({ provider, model }: Head): string {
  return `${provider}/${model}`;
}

/** Counts what the parts use, and keeps the call's place until all of them are over. */
function heldPermit({ headers }: Permit): Permit & { readonly used: () => number } {
  let used = 0;
  return {
    headers,
    used: () => used,
    leave(tokens) {
      used += tokens;
    },
  };
}

function sumOf(parts: readonly Started[]): Receipt {
  const receipts = parts.map(({ head }) => head.receipt());
  const usages = receipts.map(({ usage }) => usage);
  const sum = (of: (usage: Usage) => number | undefined): number => usages.reduce((total, usage) => total + (of(usage) ?? 0), 0);
  const usage: Usage = {
    inputTokens: sum((each) => each.inputTokens),
    outputTokens: sum((each) => each.outputTokens),
    cachedInputTokens: sum((each) => each.cachedInputTokens),
    cacheWriteTokens: sum((each) => each.cacheWriteTokens),
    longCacheWriteTokens: sum((each) => each.longCacheWriteTokens),
    reasoningTokens: sum((each) => each.reasoningTokens),
    ...(usages.some(({ estimated }) => estimated) ? { estimated: true } : {}),
  };
  return { usage, costNanoUsd: receipts.reduce((total, each) => total + each.costNanoUsd, 0) };
}

/** The sums, where each part left only its own. */
function noteParts({ logFields }: ModelCall, parts: readonly Started[]): void {
  const { usage, costNanoUsd } = sumOf(parts);
  Object.assign(logFields, {
    attempts: parts.reduce((total, { head }) => total + head.attempts, 0),
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cost_usd: costNanoUsd / 1e9,
    parts: parts.map(({ head }) => nameOf(head)),
  });
}
