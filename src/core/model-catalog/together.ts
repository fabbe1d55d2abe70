import { chat, thinking, vendor } from './vendor.ts';

const TEXT = { lacks: ['images'] } as const;

export const together = vendor(
  { id: 'together', name: 'Together', hosts: ['api.together.xyz', 'api.together.ai'] },
  { asOf: '2026-08-05', source: 'https://www.together.ai/pricing' },
  [
    thinking('deepseek-ai/DeepSeek-V4-Pro', [512_000, 384_000], [1.74, 3.48, 0.2], TEXT),
    chat('Qwen/Qwen3.7-Max', [1_000_000, 500_000], [1.25, 3.75, 0.13], TEXT),
    thinking('Qwen/Qwen3.5-397B-A17B', [262_144, 130_000], [0.6, 3.6, 0.35]),
    thinking('zai-org/GLM-5.2', [262_144, 164_000], [1.4, 4.4, 0.26], TEXT),
    thinking('moonshotai/Kimi-K2.6', [262_144, 131_000], [1.2, 4.5, 0.2], { asOf: '2026-07-02' }),
    thinking('MiniMaxAI/MiniMax-M3', [524_288, 250_000], [0.3, 1.2, 0.06]),
    thinking('openai/gpt-oss-120b', [131_072, 131_072], [0.15, 0.6], TEXT),
    thinking('openai/gpt-oss-20b', [131_072, 131_072], [0.05, 0.2], TEXT),
    thinking('google/gemma-4-31B-it', [262_144, 131_072], [0.39, 0.97]),
    chat('meta-llama/Llama-3.3-70B-Instruct-Turbo', [131_072, 131_072], [1.04, 1.04], TEXT),
  ],
);
