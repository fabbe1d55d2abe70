import { messagesReply } from './anthropic-messages.ts';
import { messageBatchesReply } from './anthropic-batches.ts';
import { readChat, readMessages, readResponses } from './asked.ts';
import type { HttpRequest } from './connection.ts';
import { isRecord, type JsonObject, parseJson } from './json.ts';
import { batchesReply } from './openai-batches.ts';
import { chatReply } from './openai-chat.ts';
import { embeddingsReply, moderationsReply } from './openai-embeddings.ts';
import { filesReply } from './openai-files.ts';
import { responsesReply } from './openai-responses.ts';
import { errorBodyOf, json, refused, type Reply, vendorOf } from './reply.ts';
import type { Rule } from './rule.ts';
import { speak } from './spoken.ts';
import { strictSchemaProblem } from './strict-schema.ts';
import type { Store } from './store.ts';

export type Asking = {
  readonly request: HttpRequest;
  readonly body: JsonObject | null;
  readonly rule: Rule;
  readonly store: Store;
  readonly ruleFor: (path: string, body: JsonObject) => Rule;
};

const MODELS = ['gpt-4o-mini', 'gpt-4o', 'text-embedding-3-small', 'omni-moderation-latest'];
const ANTHROPIC_MODELS = ['claude-sonnet-4-5', 'claude-haiku-4-5'];

/** What a call is answered with when nothing goes wrong on the wire. */
export function replyTo(asking: Asking): Reply | Promise<Reply> {
  const { request, rule, store } = asking;
  const { path, method } = request;
  const scripted = scriptedReply(path, rule);
  if (scripted) return scripted;
  if (path.startsWith('/v1/models')) return modelsReply(request);
  if (path.startsWith('/v1/files')) return filesReply(request, store);
  if (method === 'POST' && asking.body === null && !path.endsWith('/cancel'))
    return refused(vendorOf(path), 400, 'We could not parse the JSON body of your request.');
  const body = asking.body ?? {};
  const answerLine = (linePath: string, lineBody: JsonObject): { status: number; body: unknown } => {
    const reply = modelReply(linePath, lineBody, asking.ruleFor(linePath, lineBody), store);
    return reply?.kind === 'whole'
      ? { status: reply.status, body: parseJson(String(reply.body)) }
      : { status: 400, body: errorBodyOf(vendorOf(linePath), 400, 'Streaming is not supported in a batch.') };
  };
  if (path.startsWith('/v1/batches')) return batchesReply(request, store, body, answerLine);
  if (path.startsWith('/v1/messages/batches')) return messageBatchesReply(request, store, body, answerLine);
  const reply = method === 'POST' ? modelReply(path, body, rule, store) : null;
  return reply ?? refused(vendorOf(path), 404, `Invalid URL (${method} ${path})`);
}

function scriptedReply(path: string, rule: Rule): Reply | null {
  if (rule.status === undefined && rule.body === undefined) return null;
  const status = rule.status ?? 200;
  if (rule.body === undefined) return status < 400 ? null : refused(vendorOf(path), status);
  return { kind: 'whole', status, body: typeof rule.body === 'string' ? rule.body : JSON.stringify(rule.body) };
}

/** The routes that can also stand in a batch. */
function modelReply(path: string, body: JsonObject, rule: Rule, store: Store): Reply | null {
  const scripted = scriptedReply(path, rule);
  if (scripted) return scripted;
  if (typeof body['model'] !== 'string' && path !== '/v1/moderations') return refused(vendorOf(path), 400, 'you must provide a model parameter', 'model');
  const id = store.nextId();
  switch (path) {
    case '/v1/chat/completions': {
      if (!Array.isArray(body['messages']) || body['messages'].length === 0)
        return refused('openai', 400, "Missing required parameter: 'messages'.", 'messages');
      const format = isRecord(body['response_format']) ? body['response_format'] : {};
      const problem = schemaProblem(isRecord(format['json_schema']) ? format['json_schema'] : {});
      if (problem !== null) return refused('openai', 400, `Invalid schema for response_format: ${problem}`, 'response_format');
      const asked = readChat(body);
      return chatReply(asked, speak(asked, rule, id), rule, id);
    }
    case '/v1/responses': {
      if (body['input'] === undefined) return refused('openai', 400, "Missing required parameter: 'input'.", 'input');
      const text = isRecord(body['text']) ? body['text'] : {};
      const problem = schemaProblem(isRecord(text['format']) ? text['format'] : {});
      if (problem !== null) return refused('openai', 400, `Invalid schema for text.format: ${problem}`, 'text.format.schema');
      const asked = readResponses(body);
      return responsesReply(asked, speak(asked, rule, id), rule, { id, body });
    }
    case '/v1/messages': {
      if (typeof body['max_tokens'] !== 'number') return refused('anthropic', 400, 'max_tokens: Field required');
      const asked = readMessages(body);
      return messagesReply(asked, speak(asked, rule, id), rule, id);
    }
    case '/v1/messages/count_tokens':
      return json({ input_tokens: readMessages(body).inputTokens });
    case '/v1/embeddings':
      return embeddingsReply(body);
    case '/v1/moderations':
      return moderationsReply(body, id);
    default:
      return null;
  }
}

function schemaProblem(holder: JsonObject): string | null {
  return holder['strict'] === true ? strictSchemaProblem(holder['schema']) : null;
}

function modelsReply(request: HttpRequest): Reply {
  const id = request.path.split('/')[3];
  const isAnthropic = request.headers['anthropic-version'] !== undefined;
  const models = isAnthropic
    ? ANTHROPIC_MODELS.map((name) => ({ type: 'model', id: name, display_name: name, created_at: '2025-10-01T00:00:00Z' }))
    : MODELS.map((name) => ({ id: name, object: 'model', created: 1_721_172_741, owned_by: 'fake' }));
  if (id !== undefined) {
    const model = models.find((each) => each.id === id);
    return model ? json(model) : refused(isAnthropic ? 'anthropic' : 'openai', 404);
  }
  return json(isAnthropic ? { data: models, has_more: false, first_id: models[0]?.id, last_id: models.at(-1)?.id } : { object: 'list', data: models });
}
