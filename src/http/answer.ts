import type { App } from '../app.ts';
import type { AnsweredCall, GatewayCall, ModelCall, Receipt, RunningCall } from '../app/gateway.ts';
import { AppError, type ErrorCode } from '../contract/errors.ts';
import type { Meta } from '../contract/generation.ts';
import { type Answer, foldAnswer, type ModelEvent } from '../core/events.ts';
import { pingWhenSilent } from './pings.ts';
import { recordedStream, wantsRecord } from './recorded.ts';
import { renderErrorEvent } from './render-error.ts';
import type { Exchange, Reply, ReplySpec, Sink } from './route.ts';
import { asAppError } from './fail.ts';
import { StreamDone } from '../contract/generation.ts';

/** How a surface asks a model and answers with what it said: whole, in Server-Sent Events, or, on the native one, as raw text. */

type Asking = Pick<ModelCall, 'model' | 'request'> & { readonly templateId?: string; readonly cache?: ModelCall['cache'] };

/** A model call on behalf of this exchange. */
export function modelCall(exchange: Exchange, asking: Asking): ModelCall {
  return {
    ...gatewayCall(exchange, asking),
    templateId: asking.templateId ?? null,
    cache: asking.cache ?? cacheUse(exchange.request.headers.get('cache-control')),
  };
}

/** A call of any kind. */
export function gatewayCall<Request extends object>(
  exchange: Exchange,
  { model, request }: Pick<GatewayCall<Request>, 'model' | 'request'>,
): GatewayCall<Request> {
  return {
    model,
    request,
    templateId: null,
    jobId: exchange.jobId ?? null,
    route: exchange.route,
    ids: exchange.ids,
    principal: exchange.principal,
    session: exchange.request.headers.get('x-session-id') ?? undefined,
    requestId: exchange.requestId,
    signal: exchange.signal,
    deadline: exchange.deadline,
    logFields: exchange.logFields,
  };
}

export function cacheUse(cacheControl: string | null): ModelCall['cache'] {
  if (cacheControl === null) return 'use';
  const words = cacheControl.toLowerCase();
  if (words.includes('no-store')) return 'off';
  return words.includes('no-cache') ? 'refresh' : 'use';
}

export type Whole = { readonly answer: Answer; readonly meta: Meta; readonly headers: Record<string, string> };

/** Reads a call to its end. */
export async function answerWhole(exchange: Exchange, running: RunningCall): Promise<Whole> {
  const answer = await readAnswer(running);
  const receipt = running.receipt();
  return { answer, meta: metaOf(exchange, running, receipt), headers: { ...callHeaders(running), ...costHeaders(exchange, running, receipt) } };
}

export async function readAnswer(running: RunningCall): Promise<Answer> {
  return (await readWords(running)).answer;
}

/** A call read to its end: what was said, and the provider's own words where it was asked in the caller's. */
export async function readWords(running: RunningCall): Promise<{ readonly answer: Answer; readonly words: string | null }> {
  const fold = foldAnswer();
  let words: string | null = null;
  for await (const batch of running.events) {
    for (const event of batch) {
      fold.add(event);
      if (event.type === 'frame') words = event.data;
    }
  }
  const answer = fold.answer();
  if (answer === null) throw new AppError('INTERNAL_ERROR', { internal: { reason: 'the event stream ended without an end event' } });
  return { answer, words };
}

export function wantsStream(exchange: Exchange<unknown, { readonly stream?: boolean | undefined }>): boolean {
  return exchange.query.stream === true;
}

function wantsText(exchange: Exchange): boolean {
  return exchange.request.headers.get('accept')?.includes('text/plain') ?? false;
}

/** Streams a call: its text piece by piece, then `done`, or `error` when it broke off. */
export async function answerStream(app: Streaming, exchange: Exchange, running: RunningCall): Promise<Reply> {
  const headers = callHeaders(running);
  if (wantsText(exchange)) {
    return { headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' }, stream: (sink) => writeText(sink, running) };
  }
  return eventStream(app, exchange, running, nativeWriter(app, exchange, running));
}

/** How a surface says what goes by, in the text of its events; '' is nothing. */
export type StreamWriter = {
  readonly write: (batch: readonly ModelEvent[]) => string;
  /** After the end of the answer, when all that it used is known. */
  readonly done: () => string;
  /** Instead of the end, when it broke off. */
  readonly failed: (error: AppError) => string;
};

type Streaming = Pick<App, 'clock' | 'log' | 'newId' | 'streams'>;

/** The stream of a call, and, where the caller asks for it, a record that it can take up when its connection drops. */
export async function eventStream(app: Streaming, exchange: Exchange, running: RunningCall, ownWriter: StreamWriter): Promise<Reply> {
  const writer = running.continuedBy === undefined ? ownWriter : announcing(running.continuedBy, ownWriter);
  if (wantsRecord(exchange)) {
    const reply = await recordedStream(app, exchange, running, writer);
    return { ...reply, headers: { ...callHeaders(running), ...reply.headers } };
  }
  return {
    headers: { ...callHeaders(running), 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' },
    stream: (sink) => writeEvents(app, exchange, { sink, running, writer }),
  };
}

/** Says in a comment, which clients pass over, that from here on another goes on with the answer. */
function announcing(continuedBy: NonNullable<RunningCall['continuedBy']>, writer: StreamWriter): StreamWriter {
  let announced: string | null = null;
  return {
    ...writer,
    write(batch) {
      const out = writer.write(batch);
      if (announced !== null) return out;
      announced = continuedBy();
      return announced === null ? out : `: continued by ${announced}\n\n${out}`;
    },
  };
}

async function writeText(sink: Sink, running: RunningCall): Promise<void> {
  for await (const batch of running.events) {
    let text = '';
    for (const event of batch) if (event.type === 'text-delta') text += event.text;
    if (text !== '') await sink.write(text);
  }
}

/** The native events: pieces of text, then `done`. */
function nativeWriter(app: Pick<App, 'newId'>, exchange: Exchange, running: RunningCall): StreamWriter {
  const streamId = app.newId('str');
  let pieces = 0;
  let finishReason = 'stop';
  return {
    write(batch) {
      let out = '';
      for (const event of batch) {
        if (event.type === 'text-delta') out += textEvent(`${streamId}:${++pieces}`, event.text);
        else if (event.type === 'end') finishReason = event.finishReason;
      }
      return out;
    },
    done: () => `event: done\ndata: ${JSON.stringify({ ...metaOf(exchange, running, running.receipt()), finish_reason: finishReason })}\n\n`,
    failed: (error) => renderErrorEvent(error, 'native', exchange.requestId),
  };
}

type Writing = { readonly sink: Sink; readonly running: RunningCall; readonly writer: StreamWriter };

async function writeEvents(app: Pick<App, 'clock' | 'log'>, exchange: Exchange, { sink, running, writer }: Writing): Promise<void> {
  const pings = pingWhenSilent(app, sink);
  try {
    for await (const batch of running.events) {
      const out = writer.write(batch);
      if (out !== '') {
        pings.wrote();
        const flushed = sink.write(out);
        if (flushed) await flushed;
      }
    }
    const last = writer.done();
    if (last !== '') await sink.write(last);
  } catch (cause) {
    if (exchange.signal.aborted) throw cause;
    const error = asAppError(cause);
    exchange.logFields['error'] = error.code;
    app.log.warning('a stream broke off', { request_id: exchange.requestId, code: error.code, ...error.parts.internal });
    await sink.write(writer.failed(error));
  } finally {
    pings.stop();
  }
}

/** One event whose data a standard EventSource puts together again to exactly this text. */
function textEvent(id: string, text: string): string {
  // A line end of any kind ends a data line, and the parser joins them with \n: \r and \r\n cannot be said and become \n.
  const data = text.includes('\n') || text.includes('\r') ? text.split(/\r\n|\n|\r/).join('\ndata: ') : text;
  return `id: ${id}\ndata: ${data}\n\n`;
}

export function callHeaders(running: AnsweredCall): Record<string, string> {
  return {
    'x-cache': running.cache,
    'x-model': running.model,
    'x-provider': running.provider,
    'x-upstream-attempts': String(running.attempts),
    ...running.limitHeaders,
  };
}

export function costHeaders(exchange: Exchange, running: AnsweredCall, receipt: Receipt): Record<string, string> {
  exchange.logFields['queue_ms'] = Math.round(running.queueMs * 10) / 10;
  return {
    'x-cost-usd': usdText(receipt.costNanoUsd),
    'server-timing': `queue;dur=${running.queueMs.toFixed(1)}, upstream;dur=${running.upstreamMs().toFixed(1)}`,
  };
}

function metaOf(exchange: Exchange, running: RunningCall, receipt: Receipt): Meta {
  const { usage } = receipt;
  return {
    model: running.model,
    usage: {
      input_tokens: usage.inputTokens,
      output_tokens: usage.outputTokens,
      total_tokens: usage.inputTokens + usage.outputTokens,
      ...(usage.cachedInputTokens ? { cached_input_tokens: usage.cachedInputTokens } : {}),
      ...(usage.reasoningTokens ? { reasoning_tokens: usage.reasoningTokens } : {}),
      ...(usage.estimated ? { estimated: true as const } : {}),
    },
    cached: running.cache === 'HIT',
    cost_usd: receipt.costNanoUsd / 1e9,
    request_id: exchange.requestId,
  };
}

/** Nano-USD as decimal USD without an exponent: 450000 is 0.00045. */
function usdText(nanoUsd: number): string {
  const digits = String(nanoUsd).padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, -9) : `${digits.slice(0, -9)}.${fraction}`;
}

/** What a route that can stream says of it in OpenAPI. */
export const STREAM_REPLIES: readonly ReplySpec[] = [
  { status: 200, description: 'With `?stream=true`: the text in events, then `event: done`.', type: 'text/event-stream', schema: StreamDone },
  { status: 200, description: 'With `?stream=true` and `Accept: text/plain`: the raw text.', type: 'text/plain' },
];

/** What a route that asks a model can fail with besides its own. */
export const MODEL_ERRORS = [
  'UPSTREAM_REJECTED',
  'UPSTREAM_RATE_LIMITED',
  'TIMEOUT',
  'SERVICE_UNAVAILABLE',
  'INTERNAL_ERROR',
] as const satisfies readonly ErrorCode[];

/** The same where the caller says which model. */
export const CHOSEN_MODEL_ERRORS = ['MODEL_NOT_FOUND', 'LOCAL_MODEL_UNAVAILABLE', ...MODEL_ERRORS] as const satisfies readonly ErrorCode[];
