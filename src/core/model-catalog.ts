import type { Capability, ModelFacts, Price } from './provider.ts';

type Row = ModelFacts & { readonly snapshots: readonly string[] };

const CHAT: readonly Capability[] = ['chat', 'stream', 'tools', 'json_schema', 'images'];
const THINKING: readonly Capability[] = [...CHAT, 'reasoning'];
const AS_OF = '2026-11-21';
const PRICE_LIST = 'https://github.com/simonw/llm-prices/blob/main/data/openai.json';
const EMBEDDING_PRICES = 'https://unanswered.io/guide/are-openai-embedding-models-free-pricing';

/**
 * What is known about the models of OpenAI. Prices were compared over several public lists that follow the vendor's page; what a team really
 * pays goes into `prices` of the configuration file, which wins.
 */
export const OPENAI_MODELS: readonly ModelFacts[] = rows().flatMap(withSnapshots);

/** A dated name means the same model for ever, at the same price. */
function withSnapshots({ snapshots, ...facts }: Row): ModelFacts[] {
  const models: ModelFacts[] = [facts];
  for (const day of snapshots) models.push({ ...facts, id: `${facts.id}-${day}` });
  return models;
}

function rows(): Row[] {
  return [
    chat('gpt-4o-mini', [128_000, 16_384], [150, 600, 75], ['2024-07-18']),
    chat('gpt-4o', [128_000, 16_384], [2500, 10_000, 1250], ['2024-08-06', '2024-11-20']),
    chat('gpt-4.1', [1_047_576, 32_768], [2000, 8000, 500], ['2025-04-14']),
    chat('gpt-4.1-mini', [1_047_576, 32_768], [400, 1600, 100], ['2025-04-14']),
    chat('gpt-4.1-nano', [1_047_576, 32_768], [100, 400, 25], ['2025-04-14']),
    thinking('o1', [200_000, 100_000], [15_000, 60_000, 7500], ['2024-12-17']),
    // The list above still has its first price; it is a fifth of that since June 2025.
    priced(thinking('o3', [200_000, 100_000], [2000, 8000, 500], ['2025-04-16']), 'https://deploybase.ai/articles/openai-pricing'),
    thinking('o3-mini', [200_000, 100_000], [1100, 4400, 550], ['2025-01-31']),
    thinking('o4-mini', [200_000, 100_000], [1100, 4400, 275], ['2025-04-16']),
    thinking('gpt-5', [400_000, 128_000], [1250, 10_000, 125], ['2025-08-07']),
    thinking('gpt-5-mini', [400_000, 128_000], [250, 2000, 25], ['2025-08-07']),
    thinking('gpt-5-nano', [400_000, 128_000], [50, 400, 5], ['2025-08-07']),
    thinking('gpt-5.1', [400_000, 128_000], [1250, 10_000, 125], ['2025-11-13']),
    thinking('gpt-5.2', [400_000, 128_000], [1750, 14_000, 175], ['2025-12-11']),
    // These two take about a million tokens, at twice the price beyond 272,000: stated is the part for which the price is true.
    thinking('gpt-5.4', [272_000, 128_000], [2500, 15_000, 250], []),
    thinking('gpt-5.5', [272_000, 128_000], [5000, 30_000, 500], []),
    thinking('gpt-5.4-mini', [400_000, 128_000], [750, 4500, 75], []),
    thinking('gpt-5.4-nano', [400_000, 128_000], [200, 1250, 20], []),
    embedding('text-embedding-3-small', 20),
    embedding('text-embedding-3-large', 130),
  ];
}

type Tokens = readonly [context: number, output: number];
type NanoUsd = readonly [input: number, output: number, cachedInput: number];

function chat(id: string, tokens: Tokens, nanoUsd: NanoUsd, snapshots: readonly string[]): Row {
  const [contextTokens, outputTokensMax] = tokens;
  const [inputNanoUsd, outputNanoUsd, cachedInputNanoUsd] = nanoUsd;
  const price: Price = { inputNanoUsd, outputNanoUsd, cachedInputNanoUsd, asOf: AS_OF, source: PRICE_LIST };
  return { id, contextTokens, outputTokensMax, capabilities: CHAT, price, snapshots };
}

function thinking(id: string, tokens: Tokens, nanoUsd: NanoUsd, snapshots: readonly string[]): Row {
  return { ...chat(id, tokens, nanoUsd, snapshots), capabilities: THINKING };
}

function priced(row: Row, source: string): Row {
  return row.price ? { ...row, price: { ...row.price, source } } : row;
}

function embedding(id: string, inputNanoUsd: number): Row {
  const price: Price = { inputNanoUsd, outputNanoUsd: 0, asOf: AS_OF, source: EMBEDDING_PRICES };
  return { id, contextTokens: 8_192, outputTokensMax: 0, capabilities: ['embeddings'], price, snapshots: [] };
}

/**
 * Whether a model thinks before it answers, and so takes no temperature. For names that nobody described, also with a vendor in front
 * (`openai/gpt-5`): the o-series, and gpt-5 and later except the chat ones.
 */
export function isReasoningName(model: string): boolean {
  const name = model.slice(model.lastIndexOf('/') + 1);
  return /^(o[1-9]|gpt-[5-9](\.\d+)?)(-|$)/.test(name) && !name.includes('chat');
}

/** For a model of which only the name is known: what nearly all that are served today can do. Its server knows better, and refuses by itself. */
export function namedModel(id: string): ModelFacts {
  if (/embed/i.test(id)) return { id, contextTokens: 8_192, outputTokensMax: 0, capabilities: ['embeddings'] };
  return { id, contextTokens: 128_000, outputTokensMax: 16_384, capabilities: isReasoningName(id) ? THINKING : CHAT };
}
