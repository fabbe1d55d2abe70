import type { EventBatches, ModelEvent } from '../core/events.ts';
import { GrammarTooLarge, jsonGrammar } from '../core/json-grammar.ts';
import type { LocalAsked, LocalMessage, LocalModel, LocalSaid } from '../core/local-model.ts';
import type { Message, ModelRequest } from '../core/model-request.ts';
import { type Call, type EmbedAnswer, type EmbedRequest, type ModelFacts, type Provider, UpstreamError } from '../core/provider.ts';

/** The models of this machine, as a provider like any other. Nothing that is said to it leaves the machine, and it costs nothing. */
export function localProvider(models: readonly LocalModel[]): Provider {
  const named = (name: string): LocalModel => {
    const model = models.find((each) => each.name === name);
    if (!model) throw new UpstreamError('rejected', `There is no local model ${name}`, { status: 404 });
    return model;
  };
  return {
    id: LOCAL,
    origin: null,
    open: false,
    models: models.map(factsOf),
    ...(models[0] ? { main: models[0].name } : {}),
    chat: (request, call) => chat(named(request.model), request, call),
    embed: (request, call) => embed(named(request.model), request, call),
    // That of the first alone: the others are loaded when somebody asks them.
    check: async () => {
      const problem = models[0] && problemOf(models[0]);
      if (problem) throw new Error(problem);
    },
    condition: () => models[0]?.state() ?? { state: 'absent' },
  };
}

export const LOCAL = 'local';
const PRICE = { inputNanoUsd: 0, outputNanoUsd: 0, asOf: '2026-11-21', source: 'runs on this machine' } as const;

function problemOf({ state, facts }: LocalModel): string | null {
  const now = state();
  return now.state === 'failed' ? now.why : facts.problem;
}

function factsOf({ name, facts: { makes, contextTokens } }: LocalModel): ModelFacts {
  if (makes === 'vectors') return { id: name, contextTokens, outputTokensMax: 0, capabilities: ['embeddings'], price: PRICE };
  return { id: name, contextTokens, outputTokensMax: contextTokens, capabilities: ['chat', 'stream', 'json_schema'], price: PRICE };
}

async function* chat(model: LocalModel, request: ModelRequest, { signal }: Call): EventBatches {
  if (model.facts.makes === 'vectors') throw rejected(`${model.name} makes vectors of texts, and does not answer them`, 'model');
  const answer = model.generate(askedOf(request), signal);
  if (request.stream) {
    yield [{ type: 'start', model: model.name }];
    for await (const batch of answer) yield batch.flatMap(eventsOf);
    return;
  }
  const events: ModelEvent[] = [{ type: 'start', model: model.name }];
  for await (const batch of answer) events.push(...batch.flatMap(eventsOf));
  yield events;
}

function eventsOf(said: LocalSaid): ModelEvent[] {
  if (said.type === 'text') return [{ type: 'text-delta', text: said.text }];
  const { inputTokens, outputTokens, finishReason } = said;
  return [
    { type: 'usage', usage: { inputTokens, outputTokens } },
    { type: 'end', finishReason },
  ];
}

async function embed({ name, facts, embed: toVectors }: LocalModel, request: EmbedRequest, { signal }: Call): Promise<EmbedAnswer> {
  if (facts.makes !== 'vectors') throw rejected(`${name} answers texts, and makes no vectors of them: pull an embedding model`, 'model');
  const { texts, dimensions } = request;
  const words = texts.filter((text) => typeof text === 'string');
  if (words.length < texts.length) throw rejected('A local model reads texts, and not the ids of tokens', 'input');
  const answer = await toVectors(words, signal);
  const length = answer.vectors[0]?.length;
  if (dimensions !== undefined && length !== undefined && dimensions !== length)
    throw rejected(`The vectors of ${name} have ${length} dimensions`, 'dimensions');
  return answer;
}

/** What it cannot do is said, and not left out. */
function askedOf(request: ModelRequest): LocalAsked {
  const { temperature = 1, topP, maxTokens, seed, stop = [], tools = [], toolChoice, answers = 1, output } = request;
  if (tools.length > 0 && toolChoice !== 'none') throw rejected('A local model calls no tools', 'tools');
  if (answers > 1) throw rejected('A local model gives one answer at a time', 'n');
  return {
    messages: request.messages.map(messageOf),
    temperature,
    stop,
    ...(topP === undefined ? {} : { topP }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(seed === undefined ? {} : { seed }),
    ...(output === undefined ? {} : { grammar: grammarOf(output.schema) }),
  };
}

function grammarOf(schema: NonNullable<ModelRequest['output']>['schema']): string {
  try {
    return jsonGrammar(schema);
  } catch (cause) {
    if (cause instanceof GrammarTooLarge) throw rejected(cause.message, 'response_format');
    throw cause;
  }
}

function messageOf(message: Message): LocalMessage {
  if (message.role === 'tool') throw rejected('A local model knows no results of tools', 'messages');
  if (message.role === 'assistant') {
    if (message.toolCalls !== undefined && message.toolCalls.length > 0) throw rejected('A local model knows no calls of tools', 'messages');
    return { role: 'assistant', text: message.content };
  }
  const { role, content } = message;
  if (typeof content === 'string') return { role, text: content };
  const texts = content.map((part) => {
    if (part.type === 'image') throw rejected('A local model sees no images', 'messages');
    return part.text;
  });
  return { role, text: texts.join('\n') };
}

function rejected(words: string, param: string): UpstreamError {
  return new UpstreamError('rejected', words, { status: 400, words, param });
}
