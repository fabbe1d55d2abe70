import { chat, embedding, thinking, vendor } from './vendor.ts';

const EMBEDDING = { asOf: '2026-08-21' } as const;

export const mistral = vendor(
  { id: 'mistral', name: 'Mistral', hosts: ['api.mistral.ai'] },
  { asOf: '2026-09-07', source: 'https://mistral.ai/pricing/api', batch: 0.5 },
  [
    // A name that moves on stands with the dearer model that it may mean.
    thinking('mistral-large-4 mistral-large-4-0 mistral-large-latest', [1_048_576, 1_048_576], [1.36, 4.18, 0.14], {
      asOf: '2026-10-20',
      source: 'https://github.com/BlockRunAI/Franklin/releases/tag/v3.49.15',
      batch: 1,
    }),
    chat('mistral-large-2512', [262_144, 262_144], [0.5, 1.5, 0.05]),
    thinking('mistral-medium-latest mistral-medium-2604 mistral-medium-3.5', [262_144, 262_144], [1.5, 7.5, 0.15]),
    chat('mistral-medium-2508', [262_144, 262_144], [0.4, 2], { asOf: '2026-08-21' }),
    thinking('mistral-small-latest mistral-small-2603', [256_000, 256_000], [0.15, 0.6, 0.015]),
    chat('ministral-14b-latest ministral-14b-2512', [262_144, 262_144], [0.2, 0.2]),
    chat('ministral-8b-latest ministral-8b-2512', [262_144, 262_144], [0.15, 0.15]),
    chat('ministral-3b-latest ministral-3b-2512', [262_144, 262_144], [0.1, 0.1]),
    chat('codestral-latest codestral-2508', [256_000, 256_000], [0.3, 0.9], { lacks: ['images'] }),
    embedding('mistral-embed', 8_192, 0.1, EMBEDDING),
  ],
);
