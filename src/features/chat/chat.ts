import type { App } from '../../app.ts';
import type { ChatBody } from '../../contract/chat.ts';
import { eventStream, modelCall, type StreamWriter } from '../../http/answer.ts';
import { answerInWords, toldBy } from '../../http/compatible.ts';
import { renderErrorEvent } from '../../http/render-error.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { readChat } from '../../wire/chat-asked.ts';
import { chatChunks, chatCompletion } from '../../wire/chat-said.ts';

type Asked = Exchange<undefined, unknown, ChatBody>;

export async function chat(app: App, exchange: Asked): Promise<Reply> {
  const { model, request, untold, usageWanted } = readChat(exchange.body);
  const { cache, given } = toldBy(exchange, { dialect: 'openai-chat', body: exchange.body, untold });
  const running = await app.gateway.run(modelCall(exchange, { model, cache, request: { ...request, ...(given ? { given } : {}) } }));
  const head = { id: app.newId('chatcmpl').replace('_', '-'), created: Math.floor(app.clock.now() / 1000) };
  if (request.stream) {
    const chunks = chatChunks(head, usageWanted);
    const writer: StreamWriter = {
      write: chunks.write,
      done: () => chunks.done(running.receipt().usage),
      failed: (error) => renderErrorEvent(error, 'openai', exchange.requestId),
    };
    return eventStream(app, exchange, running, writer);
  }
  return answerInWords(exchange, running, (answer, usage) => chatCompletion({ ...head, model: answer.model }, answer, usage));
}
