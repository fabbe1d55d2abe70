import type { App } from '../../app.ts';
import type { RunningCall } from '../../app/gateway.ts';
import { AppError } from '../../contract/errors.ts';
import type { ResponsesBody } from '../../contract/responses.ts';
import { callHeaders, costHeaders, eventStream, modelCall, readWords } from '../../http/answer.ts';
import { toldBy } from '../../http/compatible.ts';
import { type Exchange, JSON_TYPE, type Reply } from '../../http/route.ts';
import { outgoingBody, readResponses } from '../../wire/responses-asked.ts';
import { saidResponse, type Saying, wholeResponse } from '../../wire/responses-said.ts';
import { answerInBackground } from './background.ts';
import { itemsBefore, keepResponse, type Storing } from './stored.ts';
import { openaiError } from './openai-error.ts';

export type Asked = Exchange<undefined, unknown, ResponsesBody>;

export async function createResponse(app: App, exchange: Asked): Promise<Reply> {
  const { body, principal, requestId } = exchange;
  refuseUnkept(body);
  const { projectId } = principal;
  const before = body.previous_response_id ? await itemsBefore(app, { projectId, id: body.previous_response_id }) : [];
  const { model, request, untold } = readResponses(body, before);
  const { cache, given } = toldBy(exchange, { dialect: 'openai-responses', body: outgoingBody(body, before), untold });
  const asking = { model, cache, request: { ...request, ...(given ? { given } : {}) } };
  if (body.background) return answerInBackground(app, exchange, asking);
  const running = await app.gateway.run(modelCall(exchange, asking));
  const saying: Saying = {
    head: { id: app.newId('resp'), createdAt: Math.floor(app.clock.now() / 1000), model: running.model, body },
    ours: body.previous_response_id ? { previous_response_id: body.previous_response_id, store: body.store ?? true } : null,
    newId: app.newId,
    nowSeconds: () => Math.floor(app.clock.now() / 1000),
  };
  const answering = { running, saying, storing: { projectId, requestId, body } };
  return request.stream ? streamed(app, exchange, answering) : whole(app, exchange, answering);
}

/** What cannot be, and what names something that is kept at the provider, where callers of all projects are one. */
function refuseUnkept(body: ResponsesBody): void {
  const { conversation, background } = body;
  if (background && body.store === false) {
    throw new AppError('INVALID_VALUE', { field: 'background', message: 'background needs a response that is stored: leave store out' });
  }
  if (conversation === undefined || conversation === null) return;
  throw new AppError('INVALID_VALUE', { field: 'conversation', message: 'conversation is not kept here: go on from a response with previous_response_id' });
}

type Answering = { readonly running: RunningCall; readonly saying: Saying; readonly storing: Storing };

async function whole(app: App, exchange: Asked, { running, saying, storing }: Answering): Promise<Reply> {
  const { answer, words } = await readWords(running);
  const receipt = running.receipt();
  const said = wholeResponse(saying, { answer, words }, receipt.usage);
  const response = await keepResponse(app, storing, said);
  const headers = { ...callHeaders(running), ...costHeaders(exchange, running, receipt) };
  // As it came, where nothing in it is ours.
  if (words !== null && saying.ours === null && response === said) return { headers: { ...headers, 'content-type': JSON_TYPE }, text: words };
  return { headers, json: response };
}

function streamed(app: App, exchange: Asked, { running, saying, storing }: Answering): Promise<Reply> | Reply {
  const said = saidResponse(saying);
  let response: Readonly<Record<string, unknown>> = {};
  /** Stores the response after its last word, before the caller hears that it is complete. */
  async function* events(): RunningCall['events'] {
    yield* running.events;
    response = await keepResponse(app, storing, said.finish(running.receipt().usage));
  }
  return eventStream(
    app,
    exchange,
    { ...running, events: events() },
    {
      write: said.write,
      done: () => said.done(response),
      failed: (error) => said.failed(openaiError(error, exchange.requestId)).text,
    },
  );
}
