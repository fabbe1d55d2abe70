import { thinking, vendor } from './vendor.ts';

const TEXT = { lacks: ['images'] } as const;

export const fireworks = vendor(
  { id: 'fireworks', name: 'Fireworks', hosts: ['api.fireworks.ai'] },
  { asOf: '2026-08-21', source: 'https://fireworks.ai/pricing' },
  [
    thinking('accounts/fireworks/models/deepseek-v4-pro', [1_000_000, 384_000], [1.74, 3.48, 0.145], TEXT),
    thinking('accounts/fireworks/models/deepseek-v4-flash', [1_000_000, 384_000], [0.14, 0.28, 0.028], TEXT),
    // Where two lists differ about the cached input, the dearer one counts.
    thinking('accounts/fireworks/models/glm-5p2', [1_048_575, 131_072], [1.4, 4.4, 0.26], TEXT),
    thinking('accounts/fireworks/models/kimi-k2p7-code', [262_000, 262_000], [0.95, 4, 0.19]),
    thinking('accounts/fireworks/models/kimi-k2p6', [262_000, 262_000], [0.95, 4, 0.16]),
    thinking('accounts/fireworks/models/minimax-m3', [512_000, 512_000], [0.3, 1.2, 0.06], TEXT),
    thinking('accounts/fireworks/models/qwen3p7-plus', [262_144, 65_536], [0.4, 1.6, 0.08]),
    thinking('accounts/fireworks/models/gpt-oss-120b', [131_072, 32_768], [0.15, 0.6, 0.07], TEXT),
    thinking('accounts/fireworks/models/gpt-oss-20b', [131_072, 32_768], [0.07, 0.3, 0.04], TEXT),
  ],
);
