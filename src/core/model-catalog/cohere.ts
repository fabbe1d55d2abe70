import { chat, embedding, thinking, vendor } from './vendor.ts';

const TEXT = { lacks: ['images'] } as const;

export const cohere = vendor(
  { id: 'cohere', name: 'Cohere', hosts: ['api.cohere.com', 'api.cohere.ai'] },
  { asOf: '2026-08-21', source: 'https://cohere.com/pricing' },
  [
    thinking('command-a-plus-05-2026', [128_000, 64_000], [2.5, 10]),
    thinking('command-a-reasoning-08-2025', [256_000, 32_000], [2.5, 10], TEXT),
    chat('command-a-vision-07-2025', [128_000, 8_000], [2.5, 10], { lacks: ['tools'] }),
    chat('command-a-03-2025', [256_000, 8_000], [2.5, 10], TEXT),
    chat('command-r-plus-08-2024', [128_000, 4_000], [2.5, 10], TEXT),
    chat('command-r-08-2024', [128_000, 4_000], [0.15, 0.6], TEXT),
    chat('command-r7b-12-2024', [128_000, 4_000], [0.0375, 0.15], TEXT),
    embedding('embed-v4.0', 128_000, 0.12),
  ],
);
