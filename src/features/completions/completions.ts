import type { App } from '../../app.ts';
import type { CompletionBody } from '../../contract/completions.ts';
import { callHeaders, costHeaders, eventStream, modelCall, readAnswer } from '../../http/answer.ts';
import { toldBy } from '../../http/compatible.ts';
import { renderErrorEvent } from '../../http/render-error.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { readChat } from '../../wire/chat-asked.ts';
import { completionAsChat, saysMore } from '../../wire/completions-asked.ts';
import { completion, completionChunks } from '../../wire/completions-said.ts';

export async function complete(app: App, exchange: Exchange<undefined, unknown, CompletionBody>): Promise<Reply> {
  const body = completionAsChat(exchange.body);
  const { model, request, untold, usageWanted } = readChat(body);
  const { cache, given } = toldBy(exchange, { dialect: 'openai-chat', body, untold });
  const asked = given && saysMore(body) ? { ...request, given } : request;
  const running = await app.gateway.run(modelCall(exchange, { model, cache, request: asked }));
  const head = { id: app.newId('cmpl').replace('_', '-'), created: Math.floor(app.clock.now() / 1000) };
  if (request.stream) {
    const chunks = completionChunks(head, usageWanted);
    return eventStream(app, exchange, running, {
      write: chunks.write,
      done: () => chunks.done(running.receipt().usage),
      failed: (error) => renderErrorEvent(error, 'openai', exchange.requestId),
    });
  }
  const answer = await readAnswer(running);
  const receipt = running.receipt();
  return { headers: { ...callHeaders(running), ...costHeaders(exchange, running, receipt) }, json: completion(head, answer, receipt.usage) };
}
