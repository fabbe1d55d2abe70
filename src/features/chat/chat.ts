import type { App } from '../../app.ts';
import type { ChatBody } from '../../contract/chat.ts';
import { callHeaders, costHeaders, eventStream, modelCall, type StreamWriter } from '../../http/answer.ts';
import { readWords, toldBy } from '../../http/compatible.ts';
import { renderErrorEvent } from '../../http/render-error.ts';
import { type Exchange, JSON_TYPE, type Reply } from '../../http/route.ts';
import { readChat } from '../../wire/chat-asked.ts';
import { chatChunks, chatCompletion, type ChatHead } from '../../wire/chat-said.ts';

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
  return whole(exchange, running, head);
}

async function whole(exchange: Asked, running: Awaited<ReturnType<App['gateway']['run']>>, head: Omit<ChatHead, 'model'>): Promise<Reply> {
  const { answer, words } = await readWords(running);
  const receipt = running.receipt();
  const headers = { ...callHeaders(running), ...costHeaders(exchange, running, receipt) };
  if (words !== null) return { headers: { ...headers, 'content-type': JSON_TYPE }, text: words };
  return { headers, json: chatCompletion({ ...head, model: answer.model }, answer, receipt.usage) };
}
