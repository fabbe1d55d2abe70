import type { Cancellation } from '../../core/cancellation.ts';
import type { LocalModel, LocalSaid } from '../../core/local-model.ts';
import { UpstreamError } from '../../core/provider.ts';
import { createLife, type Life, type Living } from './life.ts';
import { createMailbox, type Mailbox } from './mailbox.ts';
import { cannotLoad, noPlace, stillLoading } from './unavailable.ts';
import type { FromModel, ToModel } from './words.ts';

/** Gives questions to one model their turns, in the order in which they came. */
export type Runner = Pick<LocalModel, 'state' | 'generate' | 'embed'> & {
  /** Loads it before anybody asks. */
  readonly warm: () => void;
  readonly isBusy: () => boolean;
  readonly close: () => void;
};

export type Running = Living & {
  /** Questions that may wait for a place. */
  readonly waitingMax: number;
};

/** How long a question waits for a model that is being loaded. */
const LOAD_WAIT_MS = 60_000;
/** A question that was cancelled gives its place back between two slices; a process that does not is stuck. */
const CANCEL_MS = 60_000;

type Said = Extract<FromModel, { readonly id: number }>;
type Question = { readonly id: number; readonly words: ToModel; readonly box: Mailbox<Said> };
type Inner = Pick<Running, 'name' | 'clock' | 'waitingMax'> & {
  readonly life: Life;
  readonly waiting: Question[];
  /** Those that the model has. */
  readonly given: Map<number, Question>;
  lastId: number;
};

export function createRunner(running: Running): Runner {
  const { name, clock, waitingMax } = running;
  const waiting: Question[] = [];
  const given = new Map<number, Question>();
  const failAll = (questions: readonly Question[], cause: UpstreamError): void => {
    for (const { box } of questions) box.fail(cause);
  };
  const life = createLife(running, {
    ready: () => giveTurns(inner),
    said: (message) => hear(inner, message),
    died(why) {
      const lost = [...given.values()];
      given.clear();
      failAll(lost, new UpstreamError('broken', `the process of the local model ${why}`));
    },
    failed: (why) => failAll(waiting.splice(0), cannotLoad(name, why, life.tryAgainInMs())),
  });
  const inner: Inner = { name, clock, waitingMax, life, waiting, given, lastId: 0 };
  return {
    state: life.state,
    warm: life.start,
    isBusy: () => waiting.length > 0 || given.size > 0,
    generate: (asked, signal) => said(ask(inner, (id) => ({ type: 'generate', id, asked }), signal)),
    async embed(texts, signal) {
      for await (const batch of ask(inner, (id) => ({ type: 'embed', id, texts }), signal)) {
        for (const message of batch) {
          if (message.type === 'vectors') return { vectors: message.vectors, inputTokens: message.inputTokens };
          readSaid(message);
        }
      }
      throw new UpstreamError('broken', 'the local model ended without an answer');
    },
    close() {
      life.close();
      failAll([...waiting.splice(0), ...given.values()], new UpstreamError('broken', 'the service is shutting down'));
      given.clear();
    },
  };
}

/** What the model says to this, to its end. To leave early is to cancel it. */
async function* ask(inner: Inner, words: (id: number) => ToModel, signal: Cancellation): AsyncGenerator<readonly Said[]> {
  const { name, clock, life, waiting, given } = inner;
  signal.throwIfAborted();
  life.start();
  const state = life.state();
  if (state.state === 'failed') throw cannotLoad(name, state.why, life.tryAgainInMs());
  if (waiting.length >= inner.waitingMax) throw noPlace(name, waiting.length, 1000 * Math.ceil(waiting.length / life.parallel()));
  const id = ++inner.lastId;
  const question: Question = { id, words: words(id), box: createMailbox() };
  const aborted = (): void => cancel(inner, question, signal.reason);
  const stopWaiting = clock.after(LOAD_WAIT_MS, () => {
    if (waiting.includes(question) && life.state().state !== 'ready') cancel(inner, question, stillLoading(name, 5000));
  });
  signal.addEventListener('abort', aborted, { once: true });
  waiting.push(question);
  giveTurns(inner);
  try {
    yield* question.box.read();
  } finally {
    stopWaiting();
    signal.removeEventListener('abort', aborted);
    if (!signal.aborted && (waiting.includes(question) || given.has(id))) cancel(inner, question, new DOMException('nobody reads any more', 'AbortError'));
  }
}

/** Gives the places that are free to those who wait. */
function giveTurns({ life, waiting, given }: Inner): void {
  if (life.state().state !== 'ready') return;
  while (given.size < life.parallel()) {
    const question = waiting.shift();
    if (question === undefined) break;
    given.set(question.id, question);
    life.send(question.words);
  }
  life.busy(given.size > 0);
}

function hear(inner: Inner, message: FromModel): void {
  if (!('id' in message)) return;
  const question = inner.given.get(message.id);
  if (message.type !== 'over') return question?.box.put(message);
  question?.box.close();
  inner.given.delete(message.id);
  giveTurns(inner);
}

function cancel(inner: Inner, question: Question, reason: unknown): void {
  const { life, waiting, given, clock } = inner;
  question.box.fail(reason);
  const at = waiting.indexOf(question);
  if (at !== -1) waiting.splice(at, 1);
  if (!given.has(question.id)) return;
  life.send({ type: 'cancel', id: question.id });
  clock.after(CANCEL_MS, () => {
    if (given.get(question.id) === question) life.giveUp('did not let go of a question that was cancelled');
  });
}

async function* said(batches: AsyncIterable<readonly Said[]>): AsyncGenerator<readonly LocalSaid[]> {
  for await (const batch of batches) {
    const events = batch.flatMap(readSaid);
    if (events.length > 0) yield events;
  }
}

function readSaid(message: Said): LocalSaid[] {
  switch (message.type) {
    case 'text':
      return [{ type: 'text', text: message.text }];
    case 'end':
      return [{ type: 'end', finishReason: message.finishReason, inputTokens: message.inputTokens, outputTokens: message.outputTokens }];
    case 'refused': {
      const { words, code, param } = message;
      throw new UpstreamError('rejected', words, { status: 400, words, ...(code === null ? {} : { code }), ...(param === null ? {} : { param }) });
    }
    case 'broken':
      throw new UpstreamError('broken', message.why);
    case 'vectors':
    case 'over':
      return [];
    default:
      return message satisfies never;
  }
}
