import { chat, thinking, vendor } from './vendor.ts';

/** At 200,000 tokens all of a call costs twice as much. */
const LONG = { above: [199_999, 2, 2] } as const;
/** xAI states no limit of the answer for these; others who serve them state this one. */
const FLAGSHIP_TOKENS = [500_000, 200_000] as const;

export const xai = vendor({ id: 'xai', name: 'xAI', hosts: ['api.x.ai'] }, { asOf: '2026-08-21', source: 'https://docs.x.ai/docs/models' }, [
  thinking('grok-4.7', FLAGSHIP_TOKENS, [2, 6, 0.5], { ...LONG, asOf: '2026-09-29' }),
  thinking('grok-4.6', FLAGSHIP_TOKENS, [2, 6, 0.5], { ...LONG, asOf: '2026-09-29' }),
  thinking('grok-4.5', FLAGSHIP_TOKENS, [2, 6, 0.5], LONG),
  thinking('grok-4.3', [1_000_000, 30_000], [1.25, 2.5, 0.2], LONG),
  thinking('grok-4.20-0309-reasoning', [1_000_000, 30_000], [1.25, 2.5, 0.2], LONG),
  chat('grok-4.20-0309-non-reasoning', [1_000_000, 30_000], [1.25, 2.5, 0.2], LONG),
  thinking('grok-build-0.1', [256_000, 256_000], [1, 2, 0.2], LONG),
]);
