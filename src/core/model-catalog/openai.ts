import { chat, embedding, moderation, thinking, vendor } from './vendor.ts';

/** A long prompt makes all of a call dearer. */
const LONG = { above: [272_000, 2, 1.5] } as const;
/** Since GPT-5.6 what is written into the cache costs a quarter more. */
const SINCE_5_6 = { ...LONG, cacheWrite: [1.25, 1.25], asOf: '2026-10-03' } as const;
const SINCE_6 = { ...SINCE_5_6, asOf: '2026-10-27' } as const;
const TEXT = { lacks: ['images'] } as const;
const OLD = { lacks: ['json_schema'], asOf: '2026-08-21' } as const;

export const openai = vendor(
  { id: 'openai', name: 'OpenAI', hosts: ['api.openai.com'] },
  { asOf: '2026-09-07', source: 'https://developers.openai.com/api/docs/pricing', batch: 0.5 },
  [
    chat('gpt-4o-mini gpt-4o-mini-2024-07-18', [128_000, 16_384], [0.15, 0.6, 0.075]),
    chat('gpt-4o gpt-4o-2024-08-06 gpt-4o-2024-11-20', [128_000, 16_384], [2.5, 10, 1.25]),
    chat('gpt-4o-2024-05-13', [128_000, 4_096], [5, 15], OLD),
    chat('gpt-4.1 gpt-4.1-2025-04-14', [1_047_576, 32_768], [2, 8, 0.5]),
    chat('gpt-4.1-mini gpt-4.1-mini-2025-04-14', [1_047_576, 32_768], [0.4, 1.6, 0.1]),
    chat('gpt-4.1-nano gpt-4.1-nano-2025-04-14', [1_047_576, 32_768], [0.1, 0.4, 0.025]),
    thinking('gpt-6-astra', [1_050_000, 128_000], [10, 50, 1], SINCE_6),
    thinking('gpt-6.1-sol', [1_050_000, 128_000], [2, 10, 0.1], SINCE_6),
    thinking('gpt-6.1-terra', [1_050_000, 128_000], [1, 5, 0.05], { ...SINCE_6, cacheWrite: [1.25, 2.5] }),
    thinking('gpt-6-sol', [1_050_000, 128_000], [2, 10, 0.2], SINCE_6),
    thinking('gpt-6-luna', [1_050_000, 128_000], [0.1, 0.5, 0.01], SINCE_6),
    thinking('gpt-5.6-sol gpt-5.6', [1_050_000, 128_000], [4, 20, 0.4], SINCE_5_6),
    thinking('gpt-5.6-terra', [1_050_000, 128_000], [2, 12, 0.2], SINCE_5_6),
    thinking('gpt-5.6-luna', [1_050_000, 128_000], [0.2, 1.2, 0.02], SINCE_5_6),
    thinking('gpt-5.5', [1_050_000, 128_000], [5, 30, 0.5], LONG),
    thinking('gpt-5.5-pro', [1_050_000, 128_000], [30, 180], LONG),
    thinking('gpt-5.4', [1_050_000, 128_000], [2.5, 15, 0.25], LONG),
    thinking('gpt-5.4-pro', [1_050_000, 128_000], [30, 180], LONG),
    thinking('gpt-5.4-mini', [400_000, 128_000], [0.75, 4.5, 0.075]),
    thinking('gpt-5.4-nano', [400_000, 128_000], [0.2, 1.25, 0.02]),
    thinking('gpt-5.3-codex', [400_000, 128_000], [1.75, 14, 0.175]),
    thinking('gpt-5.2 gpt-5.2-2025-12-11 gpt-5.2-codex', [400_000, 128_000], [1.75, 14, 0.175]),
    thinking('gpt-5.2-pro', [400_000, 128_000], [21, 168]),
    thinking('gpt-5.1 gpt-5.1-2025-11-13 gpt-5.1-codex gpt-5.1-codex-max', [400_000, 128_000], [1.25, 10, 0.125]),
    thinking('gpt-5.1-codex-mini', [400_000, 128_000], [0.25, 2, 0.025]),
    thinking('gpt-5 gpt-5-2025-08-07 gpt-5-codex', [400_000, 128_000], [1.25, 10, 0.125]),
    thinking('gpt-5-pro', [400_000, 272_000], [15, 120]),
    thinking('gpt-5-mini gpt-5-mini-2025-08-07', [400_000, 128_000], [0.25, 2, 0.025]),
    thinking('gpt-5-nano gpt-5-nano-2025-08-07', [400_000, 128_000], [0.05, 0.4, 0.005]),
    thinking('o1 o1-2024-12-17', [200_000, 100_000], [15, 60, 7.5]),
    thinking('o1-pro', [200_000, 100_000], [150, 600]),
    thinking('o3 o3-2025-04-16', [200_000, 100_000], [2, 8, 0.5]),
    thinking('o3-pro', [200_000, 100_000], [20, 80]),
    thinking('o3-mini o3-mini-2025-01-31', [200_000, 100_000], [1.1, 4.4, 0.55], TEXT),
    thinking('o4-mini o4-mini-2025-04-16', [200_000, 100_000], [1.1, 4.4, 0.275]),
    chat('gpt-4-turbo', [128_000, 4_096], [10, 30], OLD),
    chat('gpt-4', [8_192, 8_192], [30, 60], { ...OLD, lacks: ['json_schema', 'images'] }),
    chat('gpt-3.5-turbo', [16_385, 4_096], [0.5, 1.5], { ...OLD, lacks: ['json_schema', 'images'], batch: 1 }),
    embedding('text-embedding-3-small', 8_192, 0.02, { asOf: '2026-08-21' }),
    embedding('text-embedding-3-large', 8_192, 0.13, { asOf: '2026-08-21' }),
    embedding('text-embedding-ada-002', 8_192, 0.1, { asOf: '2026-08-21' }),
    moderation('omni-moderation-latest omni-moderation-2024-09-26', 32_768),
  ],
);
