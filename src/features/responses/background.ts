import type { App } from '../../app.ts';
import type { ModelCall } from '../../app/gateway.ts';
import { AppError } from '../../contract/errors.ts';
import { modelCall } from '../../http/answer.ts';
import { asAppError } from '../../http/fail.ts';
import { callerName, eachEvent, reading } from '../../http/recorded.ts';
import type { Reply } from '../../http/route.ts';
import { begunResponse, saidResponse, type Saying } from '../../wire/responses-said.ts';
import type { Asked } from './create.ts';
import { openaiError } from './openai-error.ts';
import { keepBegun, settleResponse } from './stored.ts';

type Asking = Pick<ModelCall, 'model' | 'request'>;
type Json = Readonly<Record<string, unknown>>;

/** Answers at once with a response that goes on by itself. Its events are kept as those of a stream that its caller may take up again. */
export async function answerInBackground(app: App, exchange: Asked, asking: Asking): Promise<Reply> {
  const { body, principal, requestId } = exchange;
  const { projectId } = principal;
  const first = app.gateway.resolve(asking.model);
  const nowSeconds = (): number => Math.floor(app.clock.now() / 1000);
  const head = { id: app.newId('resp'), createdAt: nowSeconds(), model: first.name, body };
  const ours = { id: head.id, created_at: head.createdAt, background: true, previous_response_id: body.previous_response_id ?? null, store: true };
  const stream = { id: app.newId('str'), projectId, surface: 'openai', requestId, caller: callerName(principal) } as const;
  await keepBegun(app, { projectId, requestId, body }, { response: begunResponse(head, 'in_progress'), id: head.id, streamId: stream.id });
  const end = exchange.outlive();
  const deadline = app.clock.now() + app.config().settings.requestTimeoutS * 1000;
  // In pieces, whoever reads: a provider that says nothing until it has said all is soon taken for one that fell silent.
  const call = { ...modelCall(exchange, { ...asking, cache: 'off', request: { ...asking.request, stream: true } }), deadline };
  const job = { call, saying: { head, ours, newId: app.newId, nowSeconds }, place: { projectId, id: head.id } };
  await app.streams.record(
    stream,
    (add) => work(app, { ...job, add }),
    () => end(new DOMException('the response was cancelled', 'AbortError')),
  );
  const headers = { 'x-cache': 'BYPASS', 'x-model': first.name, 'x-provider': first.provider, 'x-upstream-attempts': '0' };
  if (body.stream !== true) return { headers, json: begunResponse(head, 'queued') };
  const reply = reading(app, exchange, stream, 0);
  return { ...reply, headers: { ...headers, ...reply.headers } };
}

type Job = {
  readonly call: ModelCall;
  readonly saying: Saying;
  readonly place: { readonly projectId: string; readonly id: string };
  readonly add: (events: readonly string[]) => void;
};

async function work(app: App, { call, saying, place, add }: Job): Promise<void> {
  const said = saidResponse(saying);
  const tell = (text: string): void => {
    if (text !== '') add(eachEvent(text));
  };
  const { response, last } = await ask().catch(broken);
  // Before its last event, so that whoever hears that finds it so.
  await settleResponse(app, place, response);
  tell(last);

  async function ask(): Promise<{ response: Json; last: string }> {
    const running = await app.gateway.run(call);
    for await (const batch of running.events) tell(said.write(batch));
    const whole = said.finish(running.receipt().usage);
    return { response: whole, last: said.done(whole) };
  }
  function broken(cause: unknown): { response: Json; last: string } {
    const error = call.signal.aborted ? new AppError('CONFLICT', { message: 'The response was cancelled' }) : asAppError(cause);
    app.log.warning('a response in the background broke off', { request_id: call.requestId, code: error.code, ...error.parts.internal });
    const failed = said.failed(openaiError(error, call.requestId));
    return { response: failed.response, last: failed.text };
  }
}
