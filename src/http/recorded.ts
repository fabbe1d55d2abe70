import type { App } from '../app.ts';
import type { RunningCall } from '../app/gateway.ts';
import { AppError } from '../contract/errors.ts';
import type { Principal } from '../contract/policy.ts';
import type { StreamHead } from '../app/keeping.ts';
import { Follower } from '../core/cancellation.ts';
import { orAborted } from '../core/or-aborted.ts';
import type { StreamWriter } from './answer.ts';
import { asAppError } from './fail.ts';
import { pingWhenSilent } from './pings.ts';
import { renderErrorEvent, surfaceOf } from './render-error.ts';
import type { Exchange, Reply, Sink } from './route.ts';

/** Streams that go on when their caller's connection drops, and are taken up at `/api/v1/streams/{id}`. */
const RESUME_HEADER = 'x-stream-resume';

export function wantsRecord({ request }: Exchange): boolean {
  return request.headers.get(RESUME_HEADER)?.toLowerCase() === 'true';
}

/** A stream is its caller's alone: who is nobody shares being that, and has an id that cannot be guessed. */
export function callerName(principal: Principal): string {
  if (principal.kind === 'user') return `user:${principal.userId}`;
  return principal.kind === 'key' ? `key:${principal.keyId}` : 'anonymous';
}

type Needs = Pick<App, 'clock' | 'log' | 'newId' | 'streams'>;

/** Makes a record of the call, and answers with a reading of it. */
export async function recordedStream(app: Needs, exchange: Exchange, running: RunningCall, writer: StreamWriter): Promise<Reply> {
  const { principal, requestId, path } = exchange;
  const head: StreamHead = {
    id: app.newId('str'),
    projectId: principal.projectId,
    caller: callerName(principal),
    surface: surfaceOf(path),
    requestId,
  };
  const end = exchange.outlive();
  const cancel = (): void => end(new DOMException('the stream was cancelled', 'AbortError'));
  await app.streams.record(head, (add) => produce(app, exchange, { running, writer, add: numbered(head.id, add) }), cancel);
  return reading(app, exchange, head, 0);
}

/** What is behind event `after` of a record, as it comes. */
export function reading(app: Needs, exchange: Exchange, head: Pick<StreamHead, 'id' | 'projectId' | 'surface' | 'requestId'>, after: number): Reply {
  return {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
      'x-stream-id': head.id,
    },
    stream: (sink) => read(app, exchange, { head, after, sink }),
  };
}

type Producing = { readonly running: RunningCall; readonly writer: StreamWriter; readonly add: (text: string) => void };

async function produce(app: Needs, exchange: Exchange, { running, writer, add }: Producing): Promise<void> {
  try {
    for await (const batch of running.events) add(writer.write(batch));
    add(writer.done());
  } catch (cause) {
    const error = exchange.signal.aborted ? new AppError('CONFLICT', { message: 'The stream was cancelled' }) : asAppError(cause);
    exchange.logFields['error'] = error.code;
    app.log.warning('a stream broke off', { request_id: exchange.requestId, code: error.code, ...error.parts.internal });
    add(writer.failed(error));
  }
}

const EVENT_END = /(?<=\n\n)/;

/** Of the text of some events each by itself. */
export function eachEvent(text: string): readonly string[] {
  return text === '' ? [] : text.split(EVENT_END);
}

const OWN_ID = /^id: [^\n]*\n/;

/** Each event under the id of the record and its number in it, from 1. */
function numbered(id: string, add: (events: readonly string[]) => void): (text: string) => void {
  let number = 0;
  return (text) => {
    if (text !== '') add(eachEvent(text).map((event) => `id: ${id}:${++number}\n${event.replace(OWN_ID, '')}`));
  };
}

type Reading = { readonly head: Parameters<typeof reading>[2]; readonly after: number; readonly sink: Sink };

async function read(app: Needs, { request, requestId }: Exchange, { head, after, sink }: Reading): Promise<void> {
  const gone = new Follower(request.signal);
  const pings = pingWhenSilent(app, sink);
  const events = app.streams.follow(head, after, gone);
  try {
    for (;;) {
      const step = await orAborted(events.next(), gone);
      if (step.done) return;
      pings.wrote();
      await sink.write(step.value.join(''));
    }
  } catch (cause) {
    if (gone.aborted) throw cause;
    if (cause instanceof AppError) {
      // What the call was signed with was revoked: it is not to go on for nobody.
      await app.streams.cancel(head);
      await sink.write(renderErrorEvent(cause, head.surface, head.requestId));
      return;
    }
    app.log.warning('a stream cannot be read on', { request_id: requestId, stream: head.id, reason: cause instanceof Error ? cause.message : String(cause) });
    const error = new AppError('INTERNAL_ERROR', { message: 'The process that made this stream ended before the stream did' });
    await sink.write(renderErrorEvent(error, head.surface, head.requestId));
  } finally {
    pings.stop();
  }
}
