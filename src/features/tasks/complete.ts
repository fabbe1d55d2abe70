import type { App } from '../../app.ts';
import type { StreamQuery } from '../../contract/generation.ts';
import type { CompleteBody } from '../../contract/tasks.ts';
import { complete as template } from '../../core/builtin-templates.ts';
import { answerStream, answerWhole, wantsStream } from '../../http/answer.ts';
import type { Exchange, Reply } from '../../http/route.ts';
import { taskCall } from './task-call.ts';
import { textOf } from './text-of.ts';

export async function complete(app: App, exchange: Exchange<undefined, StreamQuery, CompleteBody>): Promise<Reply> {
  const { text, max_tokens, temperature, stop } = exchange.body;
  const stream = wantsStream(exchange);
  const call = taskCall(app, exchange, template, {
    input: text,
    parameters: {},
    maxTokens: max_tokens ?? app.config().settings.defaultMaxTokens,
    temperature,
    stop: typeof stop === 'string' ? [stop] : stop,
    stream,
  });
  const running = await app.gateway.run(call);
  if (stream) return answerStream(app, exchange, running);
  const { answer, meta, headers } = await answerWhole(exchange, running);
  return { headers, json: { completion: textOf(answer), ...meta } };
}
