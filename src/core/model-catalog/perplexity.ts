import { chat, thinking, vendor } from './vendor.ts';

/**
 * Each call pays for its search besides its tokens, by how much is searched; stated is the most. What sonar-deep-research costs cannot be
 * told from its tokens: it has no price here.
 */
export const perplexity = vendor(
  { id: 'perplexity', name: 'Perplexity', hosts: ['api.perplexity.ai'] },
  { asOf: '2026-08-21', source: 'https://docs.perplexity.ai/guides/pricing' },
  [
    chat('sonar', [128_000, 4_096], [1, 1], { usdPerCall: 0.012, lacks: ['tools', 'images'] }),
    chat('sonar-pro', [200_000, 8_192], [3, 15], { usdPerCall: 0.014, lacks: ['tools'] }),
    thinking('sonar-reasoning-pro', [128_000, 4_096], [2, 8], { usdPerCall: 0.014, lacks: ['tools'] }),
  ],
);
