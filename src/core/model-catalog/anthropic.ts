import { chat, thinking, vendor } from './vendor.ts';

const CHECKED_IN_JULY = { asOf: '2026-07-26' } as const;

export const anthropic = vendor(
  { id: 'anthropic', name: 'Anthropic', hosts: ['api.anthropic.com'] },
  { asOf: '2026-10-24', source: 'https://platform.claude.com/docs/en/about-claude/pricing', batch: 0.5, cacheWrite: [1.25, 2] },
  [
    thinking('claude-fable-5-1', [1_000_000, 128_000], [10, 50, 0.25]),
    thinking('claude-fable-5', [1_000_000, 128_000], [10, 50, 1]),
    thinking('claude-opus-5-5', [1_000_000, 128_000], [4, 20, 0.2]),
    thinking('claude-opus-5', [1_000_000, 128_000], [5, 25, 0.5]),
    thinking('claude-opus-4-8', [1_000_000, 128_000], [5, 25, 0.5]),
    thinking('claude-opus-4-7', [1_000_000, 128_000], [5, 25, 0.5]),
    thinking('claude-opus-4-6', [1_000_000, 128_000], [5, 25, 0.5]),
    thinking('claude-opus-4-5 claude-opus-4-5-20251101', [200_000, 64_000], [5, 25, 0.5]),
    thinking('claude-opus-4-1 claude-opus-4-1-20250805', [200_000, 32_000], [15, 75, 1.5]),
    thinking('claude-sonnet-5-5', [1_000_000, 128_000], [2, 10, 0.1]),
    thinking('claude-sonnet-5', [1_000_000, 128_000], [2, 10, 0.2]),
    thinking('claude-sonnet-4-6', [1_000_000, 64_000], [3, 15, 0.3]),
    thinking('claude-sonnet-4-5 claude-sonnet-4-5-20250929', [200_000, 64_000], [3, 15, 0.3]),
    thinking('claude-haiku-5-5', [1_000_000, 128_000], [0.1, 0.5, 0.01], { above: [100_000, 5, 5] }),
    thinking('claude-haiku-4-5 claude-haiku-4-5-20251001', [200_000, 64_000], [1, 5, 0.1]),
    // Retired there, and still asked for by these names elsewhere.
    thinking('claude-sonnet-4-0 claude-sonnet-4-20250514', [200_000, 64_000], [3, 15, 0.3], { ...CHECKED_IN_JULY, lacks: ['json_schema'] }),
    chat('claude-3-5-haiku-latest claude-3-5-haiku-20241022', [200_000, 8_192], [0.8, 4, 0.08], { ...CHECKED_IN_JULY, lacks: ['json_schema', 'images'] }),
  ],
);
