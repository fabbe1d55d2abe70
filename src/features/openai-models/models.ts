import type { App } from '../../app.ts';
import { AppError } from '../../contract/errors.ts';
import type { AnthropicModel, ModelParams, ModelsQuery, OpenaiModel } from '../../contract/openai-models.ts';
import type { ModelFacts } from '../../core/provider.ts';
import { callableModels, candidatesFor } from '../../gateway/callable-models.ts';
import type { Exchange, Reply } from '../../http/route.ts';

/** A name that can be called. */
type Named = { readonly name: string; readonly provider: string; readonly facts: ModelFacts };

const PAGE = 20;

export function listModels(app: App, exchange: Exchange<undefined, ModelsQuery>): Reply {
  const models = callableModels(app, exchange.principal);
  if (isForAnthropic(exchange)) return { json: pageOf(models.map(anthropicModel), exchange.query) };
  return { json: { object: 'list', data: models.map(openaiModel) } };
}

export function showModel(app: App, exchange: Exchange<ModelParams>): Reply {
  const { id } = exchange.params;
  const [first] = candidatesFor(app, exchange.principal, id);
  if (!first) throw new AppError('MODEL_NOT_FOUND', { message: `There is no model ${id.slice(0, 100)}`, field: 'model' });
  const model: Named = { name: id, provider: first.provider.id, facts: first.facts };
  return { json: isForAnthropic(exchange) ? anthropicModel(model) : openaiModel(model) };
}

/** Clients of both vendors ask at the same address; only Anthropic's say a version. */
function isForAnthropic({ request }: Pick<Exchange, 'request'>): boolean {
  return request.headers.has('anthropic-version');
}

function openaiModel({ name, provider }: Named): OpenaiModel {
  return { id: name, object: 'model', created: 0, owned_by: provider };
}

function anthropicModel({ name, facts }: Named): AnthropicModel {
  return {
    type: 'model',
    id: name,
    display_name: name,
    created_at: '1970-01-01T00:00:00Z',
    max_input_tokens: facts.contextTokens,
    max_tokens: facts.outputTokensMax,
    capabilities: null,
    lifecycle: 'active',
    line: null,
    deprecated_at: null,
    retires_at: null,
  };
}

function pageOf(models: readonly AnthropicModel[], query: ModelsQuery): object {
  const { limit = PAGE, after_id: after, before_id: before } = query;
  const from = after === undefined ? 0 : placeOf(models, 'after_id', after) + 1;
  const to = before === undefined ? models.length : placeOf(models, 'before_id', before);
  const wanted = models.slice(from, to);
  const data = before === undefined ? wanted.slice(0, limit) : wanted.slice(-limit);
  return { data, has_more: data.length < wanted.length, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}

function placeOf(models: readonly AnthropicModel[], field: 'after_id' | 'before_id', id: string): number {
  const place = models.findIndex((model) => model.id === id);
  if (place < 0) throw new AppError('INVALID_VALUE', { message: `${field} must be the id of a model of this list`, field });
  return place;
}
