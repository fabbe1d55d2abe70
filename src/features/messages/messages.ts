import type { App } from '../../app.ts';
import type { RunningCall } from '../../app/gateway.ts';
import type { MessagesBody } from '../../contract/messages.ts';
import { estimateInputTokens } from '../../core/tokens.ts';
import { eventStream, modelCall, type StreamWriter } from '../../http/answer.ts';
import { answerInWords, toldBy } from '../../http/compatible.ts';
import { renderErrorEvent } from '../../http/render-error.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { readMessages } from '../../wire/messages-asked.ts';
import { messageEvents } from '../../wire/messages-said-stream.ts';
import { message, type MessageHead } from '../../wire/messages-said.ts';
import { requestIdOf } from './request-id.ts';

type Asked = Exchange<undefined, unknown, MessagesBody>;

export async function createMessage(app: App, exchange: Asked): Promise<Reply> {
  const { body } = exchange;
  const { request, untold } = readMessages(body);
  const { cache, given } = toldBy(exchange, { dialect: 'anthropic-messages', body, untold, headers: headersOf(exchange) });
  const running = await app.gateway.run(modelCall(exchange, { model: body.model, cache, request: { ...request, ...(given ? { given } : {}) } }));
  const head = { id: app.newId('msg'), model: running.model };
  const reply = await (request.stream
    ? streamed(app, exchange, { running, head, inputTokens: estimateInputTokens(request) })
    : answerInWords(exchange, running, (answer, usage) => message(head, answer, usage)));
  return { ...reply, headers: { ...reply.headers, ...requestIdOf(exchange) } };
}

/** Of the caller's headers those that belong to the body. */
function headersOf({ request }: Asked): Readonly<Record<string, string>> {
  const sent = ['anthropic-version', 'anthropic-beta'].map((name) => [name, request.headers.get(name)] as const);
  return Object.fromEntries(sent.filter((each): each is [string, string] => each[1] !== null));
}

type Streaming = { readonly running: RunningCall; readonly head: MessageHead; readonly inputTokens: number };

function streamed(app: App, exchange: Asked, { running, head, inputTokens }: Streaming): Reply | Promise<Reply> {
  const events = messageEvents(head, inputTokens);
  const writer: StreamWriter = {
    write: events.write,
    done: () => events.done(running.receipt().usage),
    failed: (error) => renderErrorEvent(error, 'anthropic', exchange.requestId),
  };
  return eventStream(app, exchange, running, writer);
}
