import type { App } from '../../app.ts';
import type { GenerateRequest, StreamQuery } from '../../contract/generation.ts';
import type { Message } from '../../core/model-request.ts';
import { answerStream, answerWhole, modelCall, wantsStream } from '../../http/answer.ts';
import type { Exchange, Reply } from '../../http/route.ts';

type Asked = Exchange<undefined, StreamQuery, GenerateRequest>;
type Asking = { readonly model: string | undefined; readonly temperature: number; readonly topP?: number; readonly maxTokens: number };

const LOCAL = { model: 'local', temperature: 0, topP: 0.9, maxTokens: 500 };

export function generate(app: App, exchange: Asked): Promise<Reply> {
  const { settings } = app.config();
  return ask(app, exchange, { model: exchange.body.model, temperature: settings.defaultTemperature, maxTokens: settings.defaultMaxTokens });
}

export function generateLocally(app: App, exchange: Asked): Promise<Reply> {
  return ask(app, exchange, LOCAL);
}

async function ask(app: App, exchange: Asked, defaults: Asking): Promise<Reply> {
  const { body } = exchange;
  const messages: Message[] = [];
  if (body.system) messages.push({ role: 'system', content: body.system });
  messages.push({ role: 'user', content: body.prompt });
  const topP = body.top_p ?? defaults.topP;
  const stream = wantsStream(exchange);
  const call = modelCall(exchange, {
    model: defaults.model,
    request: {
      messages,
      temperature: body.temperature ?? defaults.temperature,
      ...(topP === undefined ? {} : { topP }),
      maxTokens: body.max_tokens ?? defaults.maxTokens,
      stream,
      dialect: 'openai-chat',
    },
  });
  const running = await app.gateway.run(call);
  if (stream) return answerStream(app, exchange, running);
  const { answer, meta, headers } = await answerWhole(exchange, running);
  return { headers, json: { response: answer.text, ...meta } };
}
