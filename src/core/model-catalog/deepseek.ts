import { thinking, vendor } from './vendor.ts';

/** The price of its peak hours; in all others, which are most, it takes half. */
export const deepseek = vendor(
  { id: 'deepseek', name: 'DeepSeek', hosts: ['api.deepseek.com'] },
  { asOf: '2026-10-27', source: 'https://api-docs.deepseek.com/quick_start/pricing' },
  [
    thinking('deepseek-flash deepseek-v4-flash', [1_000_000, 384_000], [0.3, 1.2, 0.006]),
    thinking('deepseek-v4-pro', [1_000_000, 384_000], [1.32, 3.96, 0.044], { lacks: ['images'] }),
  ],
);
